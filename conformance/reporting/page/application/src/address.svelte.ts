/** What is shown, as the part of the address behind “#”: `#/layer/layers.Dense?cell=…`. A link to it works offline. */

type Change = Record<string, string | string[] | null>;

class Address {
  private hash = $state(location.hash);
  private readonly parts = $derived.by(() => {
    const [path = "", query = ""] = this.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
    const [view = "", ...names] = path.split("/").map(decoded);
    return { view, names, query: new URLSearchParams(query) };
  });

  constructor() {
    addEventListener("hashchange", () => (this.hash = location.hash));
  }

  get view() {
    return this.parts.view;
  }

  get names() {
    return this.parts.names;
  }

  one(name: string): string {
    return this.parts.query.get(name) ?? "";
  }

  all(name: string): string[] {
    return this.parts.query.getAll(name);
  }

  /** The same view with another query; null and empty values leave a parameter out. */
  with(change: Change): string {
    const query = new URLSearchParams(this.parts.query);
    for (const [name, value] of Object.entries(change)) {
      query.delete(name);
      for (const one of [value].flat()) if (one) query.append(name, one);
    }
    const path = [this.view, ...this.names].map(encodeURIComponent).join("/");
    return `#/${path}${query.size ? `?${query}` : ""}`;
  }

  /** Replaces the query where it is, so that typing leaves no trail to go back through. */
  replace(change: Change): void {
    history.replaceState(null, "", this.with(change));
    this.hash = location.hash;
  }

  go(href: string): void {
    location.hash = href;
  }

  /** Adds a value of a filter, or takes it away. */
  toggle(name: string, value: string): void {
    const values = this.all(name);
    this.replace({ [name]: values.includes(value) ? values.filter((one) => one !== value) : [...values, value] });
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const address = new Address();

export const viewHref = (view: string, ...names: string[]) => `#/${[view, ...names].map(encodeURIComponent).join("/")}`;

/** A cell as the query names it; without a backend, that of all. */
export const cellName = (...names: string[]) => names.map(encodeURIComponent).join("/");

export const cellHref = (...names: string[]) => address.with({ cell: cellName(...names) });
