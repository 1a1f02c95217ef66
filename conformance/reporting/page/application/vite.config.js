// Builds the page into one file, `../page.html`, in which nothing but its own script can run.
import { createHash } from "node:crypto";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

const digest = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** The class of a component's styles, by their content: the same wherever the folder lies. */
const cssHash = ({ hash, css }) => `s-${hash(css)}`;

/** Names the inlined script by its digest in the page's policy: any other one is refused. */
const sealed = {
  name: "sealed",
  enforce: "post",
  generateBundle: {
    order: "post",
    handler(_, bundle) {
      const page = bundle["index.html"];
      const [, script] = page.source.match(/<script type="module"[^>]*>([\s\S]+?)<\/script>/);
      page.fileName = "page.html";
      page.source = page.source.replace("SCRIPT_DIGEST", digest(script));
    },
  },
};

export default defineConfig({
  plugins: [svelte({ compilerOptions: { cssHash } }), viteSingleFile({ removeViteModuleLoader: true }), sealed],
  build: {
    outDir: "..",
    emptyOutDir: false,
    target: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: { polyfill: false },
  },
});
