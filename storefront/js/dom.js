// Elements, made from plain values. Texts are always text: nothing here reads markup.

const SVG = "http://www.w3.org/2000/svg";

export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((each) => each !== null && each !== undefined));
  return element;
}

// Says something to those who listen instead of looking.
export function tell(text) {
  document.getElementById("told").textContent = text;
}

const still = matchMedia("(prefers-reduced-motion: reduce)");

// Which entry of a list has the focus, and how to give it back once the list has others: to the same
// entry, or to the one in its place.
function focusIn(list) {
  const focused = document.activeElement;
  const at = [...list.children].findIndex((each) => each.contains(focused));
  if (at < 0) return () => {};
  const { key } = list.children[at].dataset;
  return (entries) => {
    const next = entries.find((each) => each.dataset.key === key) ?? entries[Math.min(at, entries.length - 1)];
    next?.querySelector(focused.localName)?.focus({ preventScroll: true });
  };
}

// Replaces the entries of a list; those that stay move to their new places.
export function renew(list, entries) {
  const focus = focusIn(list);
  const before = new Map(
    [...list.children].map((each) => [each.dataset.key, each.getBoundingClientRect()]),
  );
  list.replaceChildren(...entries);
  focus(entries);
  if (still.matches || !list.isConnected) return;
  for (const each of entries) {
    const old = before.get(each.dataset.key);
    const now = each.getBoundingClientRect();
    const frames = old
      ? { transform: [`translate(${old.left - now.left}px, ${old.top - now.top}px)`, "none"] }
      : { opacity: [0, 1] };
    if (!old || old.top !== now.top || old.left !== now.left) {
      each.animate(frames, { duration: 260, easing: "cubic-bezier(.2, .7, .2, 1)" });
    }
  }
}
