// What the browser keeps of a page. Where it keeps nothing, or no more, the page itself does.

const memory = new Map();

// `where` is "localStorage" or "sessionStorage".
export function kept(where, name) {
  try {
    return window[where].getItem(name);
  } catch {
    return memory.get(name) ?? null;
  }
}

export function keep(where, name, text) {
  memory.set(name, text);
  try {
    window[where].setItem(name, text);
  } catch {
    // Full, or forbidden: it lasts until the page is left.
  }
}
