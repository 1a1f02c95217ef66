/** The results that were dropped onto the page, compared with its own. */

import { compare, type Comparison } from "./model/compare.ts";
import { parseResults, type Results } from "./model/results.ts";

class Dropped {
  comparison = $state.raw<Comparison>();
  error = $state("");

  async take(file: File, own: Results): Promise<void> {
    this.comparison = undefined;
    this.error = "";
    try {
      this.comparison = compare(own, parseResults(await file.text(), own.schema));
    } catch (error) {
      this.error = `${file.name} cannot be compared. ${error instanceof Error ? error.message : error}`;
    }
  }
}

export const dropped = new Dropped();
