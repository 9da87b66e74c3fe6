// Pictures of products, drawn from their category and name. No two products of a shelf look quite
// the same, and one product always looks the same.

import { svg } from "../dom.js";
import { SHAPES } from "./shapes.js";

// The first that fits a product's words: shape, hue in degrees, and colourfulness from 0 to 1.
const KINDS = [
  [/tissue|towel|diaper/, "roll", 212, 0.4],
  [/banana/, "banana", 48, 1],
  [/berr|grape|cherr/, "berries", 350, 0.9],
  [/citrus|orange|clementine|lemon|lime|grapefruit|melon|peach|stone fruit/, "orange", 30, 1],
  [/onion|garlic/, "onion", 24, 0.6],
  [/tomato/, "orange", 4, 0.9],
  [/pepper/, "apple", 8, 0.9],
  [/apple|pear|tropical|avocado|value added fruit|squash|^potatoes/, "apple", 95, 0.7],
  [/pizza/, "pizza", 32, 0.8],
  [/frzn novelt|popsicle/, "ice", 335, 0.6],
  [/ice cream|sherb/, "tub", 335, 0.5],
  [/soup|canned|shelf stable|beans|evaporated/, "tin", 12, 0.7],
  [/carrot|corn\b/, "root", 26, 1],
  [/salad mix|lettuce|vegetable|herbs|broccoli|spinach|organics|mushroom|salad bar|produce/, "leaves", 108, 0.7],
  [/\begg/, "eggs", 36, 0.5],
  [/milk.*\bgal|detergent|laundry|bleach|antifreeze|water - (?!carb)/, "jug", 214, 0.6],
  [/milk|creamer|half/, "carton", 208, 0.6],
  [/yogurt|cream|butter|margarine|dips|cottage/, "tub", 46, 0.6],
  [/cheese/, "cheese", 43, 1],
  [/\bbuns?\b|rolls|bagel|biscuit|muffin/, "bun", 31, 0.8],
  [/bread|dough|tortilla/, "loaf", 31, 0.8],
  [/seafood|fish|sushi|tuna|shrimp/, "fish", 202, 0.6],
  [/cat food|dog food|pet |cat litter|bird seed/, "paw", 22, 0.6],
  [/frzn|frozen/, "flat", 216, 0.6],
  [/beef|pork|chicken|turkey|lamb|veal|meat|bacon|sausage|hot dog|deli|smoked|ham\b/, "tray", 4, 0.7],
  [/pie|cake|sweet goods|dessert|pastry|donut/, "cake", 340, 0.6],
  [/wine|liquor|spirits|champagne/, "wine", 345, 0.6],
  [/beer|\bale|soft drink.*can|12\/|energy/, "can", 4, 0.8],
  [/soft drink|juice|water|isotonic|drink|beverage|\boil|vinegar|syrup/, "bottle", 24, 0.8],
  [/dressing|sald|sauce|condiment|ketchup/, "bottle", 6, 0.7],
  [/coffee|\bteas?\b|cocoa/, "mug", 24, 0.5],
  [/jelly|jam|pnt btr|peanut|pickle|olive|relish|honey|salsa|hispanic|spice|baby ?food/, "jar", 88, 0.5],
  [/snack|chip|candy|popcorn|nuts|cookie|pretzel|dried fruit|rice|sugar|flour|pasta|noodle/, "bag", 16, 0.8],
  [/cereal|cracker|mix|baking|dinner|breakfast|brkfst|bars/, "box", 38, 0.8],
  [/floral|flower|rose|garden|plant/, "flower", 340, 0.7],
  [/paper|wrap|foil/, "roll", 212, 0.4],
  [/hair|soap|shav|deodorant|hand\/body|air care|cleang|household|insect|ironing|dishwash|broom/, "spray", 178, 0.5],
  [/oral|tooth|makeup|cosmetic|facial|skin|baby hbc/, "tube", 186, 0.5],
  [/analgesic|cold and|vitamin|antacid|laxative|sinus|first aid|diet|fitness|eye and|nutrition|drug/, "pills", 150, 0.5],
  [/magazine|newspaper|card|stationery|book|ticket|coupon|photo/, "page", 230, 0.4],
  [/candle|season|christmas|easter|halloween/, "candle", 8, 0.6],
  [/heat\/serve|prepared|salad|sandwich|restaurant|chef/, "bowl", 28, 0.6],
  [/grocery/, "loaf", 31, 0.8],
];
// Names that tell a colour.
const HUES = [[/\bgreen\b|lime/, 105], [/\bred\b|tomato/, 2], [/yellow|golden|lemon/, 47], [/chocolate|brown/, 22]];
const OTHERWISE = ["sack", 34, 0.3];

export function picture(item, size = "wide") {
  const [shape, hue, colour] = kind(item);
  const seed = hash(item.item_id);
  const drawn = svg("svg", { viewBox: "0 0 100 100", class: `picture ${size}`, "aria-hidden": "true" });
  drawn.style.setProperty("--hue", String((hue + (seed % 21) - 10 + 360) % 360));
  drawn.style.setProperty("--colour", String(colour * (0.75 + (seed % 7) / 20)));
  drawn.style.setProperty("--tone", String(((seed >> 5) % 9) - 4));
  drawn.append(svg("ellipse", { class: "ground", cx: 50, cy: 87, rx: 30, ry: 3.5 }));
  for (const [tag, tone, geometry] of SHAPES[shape]) {
    drawn.append(svg(tag, { class: tone, ...geometry }));
  }
  return drawn;
}

// What the name says counts more than what the category says.
function kind({ category = "", name = "" }) {
  const texts = [name.toLowerCase(), `${category} ${name}`.toLowerCase()];
  for (const text of texts) {
    const found = KINDS.find(([words]) => words.test(text));
    if (!found) continue;
    const [, shape, hue, colour] = found;
    const [, told] = HUES.find(([words]) => words.test(texts[0])) ?? [];
    return [shape, told ?? hue, colour];
  }
  return OTHERWISE;
}

// A number from a text, the same every time (FNV-1a).
function hash(text) {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  return value;
}
