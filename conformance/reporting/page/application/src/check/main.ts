import { mount } from "svelte";
import "../style.css"; // before those of the components, which may say otherwise
import App from "./App.svelte";
import { openCheck } from "./state.svelte.ts";

const target = document.getElementById("page")!;

try {
  await openCheck();
  mount(App, { target });
} catch (error) {
  target.textContent = `What is in this page cannot be unpacked by this browser (${error}).`;
}
