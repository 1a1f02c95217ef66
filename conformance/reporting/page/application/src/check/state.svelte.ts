/** The check of this page, which is there before anything is shown; and what of it is open. */

import { address } from "../address.svelte.ts";
import { Check, type Node } from "./content.ts";

export let check: Check;

export async function openCheck(): Promise<void> {
  check = await Check.open();
}

class Groups {
  // As text, which stays the same while a layer is opened: the graph is not laid out anew then.
  private readonly said = $derived(JSON.stringify(address.all("turn")));
  private readonly turned: Set<string> = $derived(new Set(JSON.parse(this.said)));

  /** Models are open and rewritten layers closed, but for those that the address says to be the other way. */
  isOpen = (group: Node): boolean => (group.kind === "model") !== this.turned.has(group.id);

  turn(group: Node): void {
    address.toggle("turn", group.id);
  }

  turnAll(open: boolean): void {
    const others = check.groups.filter(({ kind }) => (kind === "model") !== open);
    address.replace({ turn: others.map(({ id }) => id) });
  }

  /** The groups that are turned once those around a node are open. */
  turnedAround(node: Node): string[] {
    const turned = new Set(this.turned);
    for (const group of check.around(node)) {
      if (group.kind === "model") turned.delete(group.id);
      else turned.add(group.id);
    }
    return [...turned];
  }
}

export const groups = new Groups();

/** Shows a node: opens the groups around it, and what there is to say of it. */
export function show(id: string): void {
  const node = check.nodes.get(id);
  if (node) address.replace({ turn: groups.turnedAround(node), layer: id });
}
