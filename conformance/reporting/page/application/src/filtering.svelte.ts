/** The filter that the address says. */

import { address } from "./address.svelte.ts";
import { wordsOf, type Filter } from "./model/filter.ts";

class Filtering {
  // As text, which stays the same while a cell is opened: nothing that is filtered is made anew then.
  private readonly said = $derived(
    JSON.stringify({
      backends: address.all("backend"),
      properties: address.all("property"),
      families: address.all("family"),
      verdicts: address.all("verdict"),
      words: wordsOf(address.one("text")),
    } satisfies Filter),
  );

  readonly filter: Filter = $derived(JSON.parse(this.said));
}

export const filtering = new Filtering();
