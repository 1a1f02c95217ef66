/** Values as text. */

import type { Case, Margin } from "./results.ts";

export const marginSize = (margin: Margin | undefined) =>
  margin === null || margin === undefined ? -1 : margin === "infinite" ? Infinity : margin;

/** The margin in few characters: "", 0, <0.01, 0.31, 27, 3e4, ∞ */
export function showMargin(margin: Margin | undefined): string {
  const size = marginSize(margin);
  if (size < 0) return "";
  if (size === Infinity) return "∞";
  if (size > 0 && size < 0.01) return "<0.01";
  if (size < 10) return String(Number(size.toFixed(2)));
  return size < 1000 ? size.toFixed(0) : size.toExponential(0).replace("e+", "e");
}

export function showDuration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** "2026-11-21 18:03 UTC"; whatever else it is, as it is. */
export const showTime = (time: string) => time.replace(/^(.{10})T(.{5}).*(\+00:00|Z)$/, "$1 $2 UTC");

/** "keras 3.15.1, numpy 2.4.6" */
export const listing = (mapping: Record<string, unknown> | undefined) =>
  Object.entries(mapping ?? {})
    .map(([name, value]) => `${name} ${typeof value === "number" ? Number(value.toPrecision(3)) : value}`)
    .join(", ");

/** A subject without its kind: `layers.Dense` is Dense. */
export const shortName = (subject: string) => subject.slice(subject.indexOf(".") + 1);

/** A case as JSON to be read: a line for each field, in its order. */
export function showCase(recipe: Case): string {
  const fields = Object.entries(recipe).map(([name, value]) => `  ${JSON.stringify(name)}: ${spaced(value)}`);
  return `{\n${fields.join(",\n")}\n}`;
}

/** JSON in a line, with a space after each colon and comma. */
export function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([name, field]) => `${JSON.stringify(name)}: ${spaced(field)}`);
    return `{${fields.join(", ")}}`;
  }
  return JSON.stringify(value);
}
