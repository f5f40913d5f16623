// Saves the chart that Streamlit shows under a key, as it is seen: its title above, its sentence below.

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 16;
const SHARPNESS = 2; // pixels of the PNG for each pixel of the page
const INLINE = ["fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray", "opacity",
  "font-family", "font-size", "font-weight", "font-style", "text-anchor", "visibility", "display"];

export default function ({ data, parentElement }) {
  const status = parentElement.querySelector("[role=status]");
  for (const button of parentElement.querySelectorAll("button")) {
    button.onclick = async () => {
      status.textContent = "";
      try {
        const chart = document.querySelector(`.st-key-${CSS.escape(data.key)} .js-plotly-plot`);
        if (!chart) throw new Error("The chart is not drawn yet.");
        const format = button.dataset.format;
        const svg = drawing(chart, data.title, data.alt);
        hand(format === "svg" ? asFile(svg) : await painted(svg), `${data.name}.${format}`);
      } catch (error) {
        status.textContent = `This did not work: ${error.message}`;
      }
    };
  }
}

// The chart as one SVG of its own, on the page's ground. Plotly draws it in several layers, styled in part by the page.
function drawing(chart, title, sentence) {
  const page = getComputedStyle(document.querySelector("[data-testid=stApp]"));
  const box = chart.getBoundingClientRect();
  const width = Math.ceil(box.width);
  const family = page.fontFamily;
  const head = wrapped(title, width, `600 16px ${family}`);
  const foot = wrapped(sentence, width, `14px ${family}`);
  const top = MARGIN + 22 * head.length + (head.length ? 6 : 0);
  const height = Math.ceil(top + box.height + (foot.length ? 10 : 0) + 20 * foot.length + MARGIN);
  const svg = element("svg", {
    xmlns: SVG, width: width + 2 * MARGIN, height, viewBox: `0 0 ${width + 2 * MARGIN} ${height}`,
  });
  svg.append(element("title", {}, title), element("desc", {}, sentence));
  svg.append(element("rect", { width: "100%", height: "100%", fill: page.backgroundColor }));
  const words = { fill: page.color, "font-family": family };
  head.forEach((line, i) => svg.append(
    element("text", { ...words, x: MARGIN, y: MARGIN + 15 + 22 * i, "font-size": 16, "font-weight": 600 }, line)));
  for (const layer of chart.querySelectorAll(".main-svg")) {
    const at = layer.getBoundingClientRect();
    const copy = layer.cloneNode(true);
    inline(layer, copy);
    copy.removeAttribute("style");
    copy.setAttribute("x", MARGIN + at.left - box.left);
    copy.setAttribute("y", top + at.top - box.top);
    svg.append(copy);
  }
  foot.forEach((line, i) => svg.append(
    element("text", { ...words, x: MARGIN, y: top + box.height + 24 + 20 * i, "font-size": 14 }, line)));
  return svg;
}

// What a mark looks like on the page is written onto its copy: the page's style sheet stays behind.
function inline(from, to) {
  if (from instanceof SVGElement && !from.closest("defs")) {
    const style = getComputedStyle(from);
    for (const name of INLINE) {
      const value = style.getPropertyValue(name);
      if (value) to.style.setProperty(name, value);
    }
  }
  [...from.children].forEach((child, i) => inline(child, to.children[i]));
}

function wrapped(text, width, font) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = font;
  const lines = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = lines.length ? `${lines[lines.length - 1]} ${word}` : word;
    if (lines.length && pen.measureText(longer).width <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

function element(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

function asFile(svg) {
  return new Blob([new XMLSerializer().serializeToString(svg)], { type: "image/svg+xml" });
}

async function painted(svg) {
  const address = URL.createObjectURL(asFile(svg));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = SHARPNESS * Number(svg.getAttribute("width"));
    canvas.height = SHARPNESS * Number(svg.getAttribute("height"));
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    const file = await new Promise((done) => canvas.toBlob(done, "image/png"));
    if (!file) throw new Error("the browser made no picture of it.");
    return file;
  } finally {
    URL.revokeObjectURL(address);
  }
}

function hand(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
