/** The report of this page; it is there before anything is shown, and never changes. */

import { Report } from "./model/report.ts";

export let report: Report;

export async function openReport(): Promise<void> {
  report = await Report.open();
}
