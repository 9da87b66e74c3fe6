// The service's public API: the only way by which the shop knows anything.

import { keep, kept } from "./storage.js";

const ROOT = new URL("../../", import.meta.url);
const KEY = "shop.key";
const keyListeners = new Set();

// What went wrong, in words for the person in front of the page.
export class Problem extends Error {
  constructor(status, detail, retryAfter = null) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  get passes() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  get needsKey() {
    return this.status === 401 || this.status === 403;
  }
}

export function useKey(key) {
  keep("sessionStorage", KEY, key);
  for (const each of keyListeners) each();
}

export function onKey(listener) {
  keyListeners.add(listener);
}

export const hasKey = () => kept("sessionStorage", KEY) !== null;

export function get(path, parameters = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  return answer(url, {});
}

export function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return answer(new URL(path, ROOT), { method: "POST", headers, body: JSON.stringify(body) });
}

// A part of a path. Names may hold anything, a slash too.
export const part = encodeURIComponent;

export async function getText(path) {
  const response = await send(new URL(path, ROOT), {});
  if (!response.ok) throw await problemOf(response);
  return response.text();
}

async function answer(url, options) {
  const response = await send(url, options);
  if (!response.ok) throw await problemOf(response);
  return response.json();
}

async function send(url, options) {
  const key = kept("sessionStorage", KEY);
  const headers = { ...options.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
  try {
    return await fetch(url, { ...options, headers });
  } catch {
    throw new Problem(0, "It does not answer.");
  }
}

async function problemOf(response) {
  const content = await response.json().catch(() => null);
  const wait = Number(response.headers.get("Retry-After"));
  return new Problem(response.status, content?.detail ?? "It failed.", wait || null);
}
