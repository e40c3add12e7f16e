// Stands in the head of every page and runs before the first picture.
{
  const root = document.documentElement;
  // The theme knows light from dark only when everything has loaded, and shows both logos until then.
  if (!["light", "dark"].includes(root.dataset.theme)) {
    root.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  // A formula whose font is late is set in another one, and moves the page when it arrives. So the
  // fonts are fetched now, and MathJax finds them in the cache.
  const folder = "_static/mathjax/output/chtml/fonts/woff-v2";
  for (const font of ["Zero", "Main-Regular", "Math-Italic"]) {
    const address = new URL(`${root.dataset.content_root}${folder}/MathJax_${font}.woff`, location);
    new FontFace(`MathJax ${font}`, `url(${address})`).load().catch(() => {});
  }
}
