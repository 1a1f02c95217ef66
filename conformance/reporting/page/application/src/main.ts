import { mount } from "svelte";
import App from "./App.svelte";
import { openReport } from "./report.ts";
import "./style.css";

const target = document.getElementById("page")!;

try {
  await openReport();
  mount(App, { target });
} catch (error) {
  target.textContent = `The results in this page cannot be unpacked by this browser (${error}).`;
}
