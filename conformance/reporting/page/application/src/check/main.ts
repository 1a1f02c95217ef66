import { mount } from "svelte";
import App from "./App.svelte";
import { openCheck } from "./state.svelte.ts";
import "../style.css";

const target = document.getElementById("page")!;

try {
  await openCheck();
  mount(App, { target });
} catch (error) {
  target.textContent = `What is in this page cannot be unpacked by this browser (${error}).`;
}
