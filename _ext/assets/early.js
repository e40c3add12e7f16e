// Stands in the head of every page and runs before the first picture.
{
  const root = document.documentElement;
  // The theme knows light from dark only when everything has loaded, and shows both logos until then.
  if (!["light", "dark"].includes(root.dataset.theme)) {
    root.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  // A formula whose font is late is set in another one, and moves the page when it arrives.
  // From file:// a browser lets nothing be loaded ahead.
  if (location.protocol !== "file:") {
    for (const font of ["Zero", "Main-Regular", "Math-Italic"]) {
      const link = document.createElement("link");
      const folder = "_static/mathjax/output/chtml/fonts/woff-v2";
      Object.assign(link, { rel: "preload", as: "font", type: "font/woff", crossOrigin: "" });
      link.fetchPriority = "low"; // the figure comes first
      link.href = `${root.dataset.content_root}${folder}/MathJax_${font}.woff`;
      document.head.append(link);
    }
  }
}
