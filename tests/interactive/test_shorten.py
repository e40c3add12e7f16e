"""Short names change nothing that can be seen from outside, and nothing that comes from there."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from mlp_lib.interactive import bundle
from mlp_lib.interactive.shorten import shorten

CASES = [
    # defaults, their globals, and what they mention
    "const add=(first,second=-Math.PI,third=first)=>first+second+third;const out=add(1);",
    "const beyond=-Math.abs(-3)/2,other=beyond;const out=[beyond,other];",
    # keys, properties, methods, both in one
    "const value=3;const both={value,other:value,method(value){return value+1;}};"
    "const out=[both.value,both.other,both.method(value),Object.keys(both)];",
    "const take=({first,second:{third=4,...rest},list:[head,,tail]=[]})=>"
    "[first,third,rest,head,tail];"
    "const out=take({first:1,second:{fourth:2},list:[5,6,7]});",
    # ternaries look like keys
    "const yes=1,maybe=2;const pick=(flag)=>({yes:flag?yes:maybe,maybe});"
    "const out=[pick(true),pick(false),[yes?maybe:yes]];",
    # templates in templates, text that looks like code
    "const word='word';const nested=(word)=>"
    '`word ${word?`${word} {word} ${{word}.word}`:"word"}`;'
    "const out=[word,nested('inner'),nested('')];",
    # the same letters in different statements; one name inside that is also one outside
    "const outer=1;const one=(inner)=>inner+outer;const two=(inner,outer)=>inner*outer;"
    "function three(){const inner=outer+one(2);"
    "for(const each of [1,2])if(each>1)return inner+each;}"
    "const out=[one(1),two(2,3),three()];",
    # blocks after braces, functions inside, catch, optional chaining, a regular expression
    "const run=(text)=>{{let found=text.replace(/found|text/g,'x');"
    "try{found=text?.nothing?.length??missing;}catch(error){return found+error.name;}"
    "return found;}};"
    "const out=run('text found');",
    "const order=(list)=>{let [last,rest]=list;[last,rest]=[rest,last];return{last,rest};};"
    "const out=order([1,2]);",
    "const outer=(name)=>{function inner(value,step=value){return value>0?inner(value-step):name;}"
    "return inner(3,1);};const out=outer('done');",
]


@pytest.mark.parametrize("source", CASES)
def test_the_short_module_does_the_same(source: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("this machine has no node")
    short, names = shorten(source)
    assert len(short) < len(source)
    results = []
    for text, out in ((source, "out"), (short, names["out"])):
        program = f'"use strict";{text}console.log(JSON.stringify({out}))'
        done = subprocess.run([node, "-e", program], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (text, done.stderr)
        results.append(json.loads(done.stdout))
    assert results[0] == results[1]


def test_what_is_not_declared_keeps_its_name() -> None:
    short, names = shorten(
        "const widest=(list)=>Math.max(...list.map((entry)=>measure(entry).wide));"
    )
    assert names == {"widest": "e"}
    assert short == "const e=(t)=>Math.max(...t.map((a)=>measure(a).wide));"


def test_a_module_with_a_class_stays_as_it_is() -> None:
    source = "class Model{get(name){return name;}}"
    assert shorten(source) == (source, {})


def test_modules_know_each_other_by_the_short_names() -> None:
    source = bundle.widget_module("softmax")
    assert "softmax" not in source.split("const _softmax=")[0].replace("_maths_softmax", "")
    assert "naiveSoftmax" in source  # a key of figure.maths
