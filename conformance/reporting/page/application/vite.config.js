// Builds a page into one file, in which nothing but its own script can run: the report, or with `--mode check` the page
// of a model that was checked.
import { createHash } from "node:crypto";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

/** The entries of the pages, and the files that they are built into. */
const REPORT = { entry: "index.html", file: "page.html" };
const CHECK = { entry: "check.html", file: "check.html" };

const digest = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** The class of a component's styles, by their content: the same wherever the folder lies. */
const cssHash = ({ hash, css }) => `s-${hash(css)}`;

/** What the licenses of the packages in the page want to be kept beside them. */
const LICENSES = "licenses.md";

/** Names the inlined script by its digest in the page's policy: any other one is refused. */
const sealed = ({ entry, file }) => ({
  name: "sealed",
  enforce: "post",
  generateBundle: {
    order: "post",
    handler(_, bundle) {
      const page = bundle[entry];
      const [, script] = page.source.match(/<script type="module"[^>]*>([\s\S]+?)<\/script>/);
      page.fileName = file;
      page.source = page.source.replace("SCRIPT_DIGEST", digest(script));
    },
  },
});

/** Puts the licenses into the page itself, which people pass on alone. */
const licensed = ({ entry }) => ({
  name: "licensed",
  enforce: "post",
  generateBundle: {
    order: "post",
    handler(_, bundle) {
      const page = bundle[entry];
      const notices = bundle[LICENSES].source.replaceAll("--", "- -");
      page.source = page.source.replace(/<!doctype html>/i, (doctype) => `${doctype}\n<!--\n${notices}\n-->`);
      delete bundle[LICENSES];
    },
  },
});

export default defineConfig(({ mode }) => {
  const page = mode === "check" ? CHECK : REPORT;
  return {
    plugins: [
      svelte({ compilerOptions: { cssHash } }),
      viteSingleFile({ removeViteModuleLoader: true }),
      licensed(page),
      sealed(page),
    ],
    build: {
      license: { fileName: LICENSES },
      outDir: "..",
      emptyOutDir: false,
      target: ["chrome123", "firefox120", "safari17.5"],
      modulePreload: { polyfill: false },
      rolldownOptions: { input: page.entry },
    },
  };
});
