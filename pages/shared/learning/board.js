// The living board of the Train page. Python sends what has happened since it last looked; this draws it, picture by
// picture, in the time until it looks again. Numbers become paths; words come from Python and are set as text.
const NS = "http://www.w3.org/2000/svg";

export default function (component) {
  const root = component.parentElement.querySelector(".cyn-board");
  // On the element, because this file may be read anew while the element stays.
  root.board ??= new Board(root);
  root.board.take(component.data);
  return () => root.board.rest();
}

class Board {
  constructor(root) {
    this.root = root;
    this.shown = -1; // the iteration on the board
    this.chosen = null; // the cell that is read out
    this.watcher = new ResizeObserver(() => this.data && this.draw());
    this.watcher.observe(root);
  }

  rest() {
    cancelAnimationFrame(this.timer);
    clearTimeout(this.late);
  }

  take(data) {
    this.rest();
    const fresh = !this.data || this.data.run !== data.run;
    if (!this.data || this.data.layout !== data.layout) this.build(data);
    this.data = data;
    const last = data.history.iteration.at(-1);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (fresh || still || !data.plays || this.shown >= last) {
      this.shown = last;
      this.draw();
      return;
    }
    // As long as the last wait for news was: on a busy server it is longer than planned.
    const from = this.shown, began = performance.now();
    const lasts = Math.min(1500, Math.max(1000 * data.seconds, began - (this.told ?? began)));
    this.told = began;
    const move = () => {
      cancelAnimationFrame(this.timer);
      clearTimeout(this.late);
      const share = Math.min(1, (performance.now() - began) / lasts);
      const now = Math.round(from + share * (last - from));
      if (now !== this.shown) {
        this.shown = now;
        this.draw();
      }
      if (share < 1) {
        this.timer = requestAnimationFrame(move);
        this.late = setTimeout(move, 120); // where the browser gives out frames sparingly
      }
    };
    move();
  }

  build(data) {
    this.root.replaceChildren();
    this.root.classList.toggle("with-tray", data.tray > 0);
    this.rows = add(this.root, "div", "rows");
    text(add(this.rows, "h3"), data.words.rows);
    this.strip = draw(add(this.rows, "div"), "svg", { tabindex: 0, role: "img" });
    this.readout = add(this.rows, "p", "readout");
    this.strip.addEventListener("pointermove", (event) => this.point(event));
    this.strip.addEventListener("pointerdown", (event) => this.point(event));
    this.strip.addEventListener("keydown", (event) => this.walk(event));
    if (data.tray > 0) {
      const side = add(this.root, "div");
      const grid = add(side, "div", "cyn-tray");
      this.birds = Array.from({ length: data.tray }, (_, i) => {
        const figure = add(grid, "figure", "cyn-bird");
        const picture = add(figure, "div", `cyn-fresh-${i}`);
        picture.setAttribute("role", "img");
        return { figure, picture, words: add(figure, "figcaption") };
      });
    }
    const panels = add(this.root, "div");
    this.panels = data.panels.map((panel) => {
      const box = add(panels, "div", "panel");
      text(add(box, "h3"), panel.title);
      const key = add(box, "p", "key");
      const values = panel.lines.map((line) => {
        const entry = add(key, "span");
        const sample = draw(entry, "svg", { viewBox: "0 0 26 8", "aria-hidden": "true" });
        draw(sample, "path", stroke(line, "M0,4H26"));
        entry.append(line.name + " ");
        return add(entry, "strong");
      });
      return { values, svg: draw(add(box, "div"), "svg", { role: "img" }) };
    });
  }

  draw() {
    this.root.dataset.iteration = this.shown;
    this.drawRows();
    if (this.birds) this.drawBirds();
    this.drawPanels();
  }

  frame() {
    const { frames, solution } = this.data;
    if (solution) return solution;
    return frames.findLast((frame) => frame.iteration <= this.shown) ?? frames[0];
  }

  drawRows() {
    const { target, words, colors } = this.data, row = this.frame().row;
    const n = target.length, width = this.strip.parentElement.clientWidth || 600, cell = width / n;
    const half = 20, label = 18, apart = 2 * half + label + 8, height = 2 * apart + 14;
    const sizes = target.map(Math.abs).sort((a, b) => a - b);
    const top = sizes[Math.floor(0.97 * (n - 1))] || 1e-9; // so that a single giant does not flatten the rest
    const paths = { for: "", against: "" };
    let crosses = "", against = 0;
    [target, row].forEach((values, r) => {
      const middle = r * apart + label + half;
      values.forEach((value, k) => {
        const size = Math.min(1, Math.abs(value) / top) * half;
        const y = value > 0 ? middle - size : middle;
        paths[value > 0 ? "for" : "against"] += `M${f(k * cell)},${f(y)}h${f(0.86 * cell)}v${f(size)}h${f(-0.86 * cell)}z`;
      });
    });
    row.forEach((value, k) => {
      if (Math.sign(value) === Math.sign(target[k])) return;
      against += 1;
      const x = (k + 0.43) * cell, y = 2 * apart + 4;
      crosses += `M${f(x - 3)},${y - 3}l6,6m0,-6l-6,6`;
    });
    if (this.stripWidth !== width) {
      this.stripWidth = width;
      this.strip.replaceChildren();
      this.strip.setAttribute("height", height);
      this.strip.setAttribute("viewBox", `0 0 ${width} ${height}`);
      [words.target, words.now].forEach((name, r) => {
        text(draw(this.strip, "text", { x: 0, y: r * apart + 12 }), name);
        draw(this.strip, "path", { d: `M0,${r * apart + label + half}H${width}`, stroke: colors.muted });
      });
      this.marks = {
        for: draw(this.strip, "path", { fill: colors.for }),
        against: draw(this.strip, "path", { fill: colors.against }),
        crosses: draw(this.strip, "path", { stroke: "var(--st-text-color)", "stroke-width": 1.3, fill: "none" }),
        chosen: draw(this.strip, "path", { stroke: "var(--st-text-color)", "stroke-width": 1, fill: "none" }),
      };
    }
    this.marks.for.setAttribute("d", paths.for || "M0,0");
    this.marks.against.setAttribute("d", paths.against || "M0,0");
    this.marks.crosses.setAttribute("d", crosses || "M0,0");
    this.against = against;
    this.read();
  }

  read() {
    const { target, names, words } = this.data, row = this.frame().row, k = this.chosen;
    const n = target.length, cell = this.stripWidth / n, height = this.strip.getAttribute("height");
    this.marks.chosen.setAttribute("d", k === null ? "M0,0" : `M${f((k + 0.43) * cell)},14V${height - 16}`);
    const tally = `${words.for} ${words.against} × ${this.against} ${words.crosses}`;
    text(this.readout, k === null ? tally : `${names[k]}: ${words.wanted} ${signed(target[k])}, ${words.has} ${signed(row[k])}`);
    if (!this.data.plays) this.strip.setAttribute("aria-label", `${words.alt} ${tally}`);
  }

  point(event) {
    const box = this.strip.getBoundingClientRect(), n = this.data.target.length;
    this.chosen = Math.max(0, Math.min(n - 1, Math.floor(((event.clientX - box.left) / box.width) * n)));
    this.read();
  }

  walk(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape") this.chosen = null;
    else if (!step) return;
    else this.chosen = Math.max(0, Math.min(this.data.target.length - 1, (this.chosen ?? -step) + step));
    event.preventDefault();
    this.read();
  }

  drawBirds() {
    const { words } = this.data;
    this.frame().birds.forEach((winner, i) => {
      const { figure, picture, words: caption } = this.birds[i], found = winner === null;
      figure.classList.toggle("cyn-yes", found);
      figure.classList.toggle("cyn-no", !found);
      text(caption, found ? `✓ ${words.found}` : `✗ ${winner}`);
      picture.setAttribute("aria-label", `${words.picture} ${i + 1}: ${found ? words.found : `${words.taken} ${winner}`}`);
    });
  }

  drawPanels() {
    const { history, panels, span, ruled, words, colors } = this.data;
    const until = history.iteration.findLastIndex((i) => i <= this.shown) + 1 || 1;
    panels.forEach((panel, p) => {
      const { svg, values } = this.panels[p], last = p === panels.length - 1;
      const width = svg.parentElement.clientWidth || 600, left = 34, below = last ? 34 : 6;
      const height = panel.height + below;
      const x = (i) => left + (i / span) * (width - left - 8);
      const y = (v) => 4 + (1 - Math.min(1, Math.max(0, v / panel.top))) * (panel.height - 8);
      let inside = "";
      for (const tick of panel.ticks) {
        inside += `<path d="M${left},${f(y(tick))}H${width - 8}" stroke="${colors.muted}" stroke-opacity="0.35"/>`;
        inside += `<text x="${left - 6}" y="${f(y(tick) + 4)}" text-anchor="end">${tick}</text>`;
      }
      if (ruled !== null && ruled <= this.shown) {
        inside += `<path d="M${f(x(ruled))},0V${panel.height}" stroke="${colors.muted}" stroke-width="1.5"/>`;
      }
      panel.lines.forEach((line, l) => {
        const series = line.level === null ? history[line.series] : null;
        const at = series ? series[until - 1] : line.level;
        text(values[l], at.toFixed(line.digits) + line.of);
        let d = series ? "" : `M${left},${f(y(at))}H${width - 8}`;
        if (series) for (let i = 0; i < until; i++) d += `${i ? "L" : "M"}${f(x(history.iteration[i]))},${f(y(series[i]))}`;
        if (line.filled) inside += `<path d="${d}V${f(y(0))}H${f(x(0))}z" fill="${line.color}" fill-opacity="0.14"/>`;
        inside += `<path class="line" d="${d}" fill="none" stroke="${line.color}" stroke-width="${line.width}" stroke-dasharray="${line.dash}"/>`;
        if (series) inside += `<circle cx="${f(x(history.iteration[until - 1]))}" cy="${f(y(at))}" r="3.5" fill="${line.color}"/>`;
      });
      if (last) {
        for (const i of [0, span / 2, span]) {
          const anchor = i === 0 ? "start" : i === span ? "end" : "middle";
          inside += `<text x="${f(x(i))}" y="${panel.height + 14}" text-anchor="${anchor}">${i}</text>`;
        }
      }
      svg.innerHTML = inside; // numbers and our own colours alone
      if (last) text(draw(svg, "text", { x: f(x(span / 2)), y: height - 4, "text-anchor": "middle" }), words.axis);
      svg.setAttribute("height", height);
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      if (!this.data.plays) {
        const said = panel.lines.map((line, l) => `${line.name} ${values[l].textContent}`).join(", ");
        svg.setAttribute("aria-label", `${panel.title}. ${words.axis} ${this.shown}: ${said}.`);
      }
    });
  }
}

const f = (number) => number.toFixed(1);
const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3);

function text(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

function add(parent, tag, name = "") {
  const element = document.createElement(tag);
  if (name) element.className = name;
  return parent.appendChild(element);
}

function draw(parent, tag, attributes) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return parent.appendChild(element);
}

function stroke(line, d) {
  return { d, fill: "none", stroke: line.color, "stroke-width": line.width, "stroke-dasharray": line.dash };
}
