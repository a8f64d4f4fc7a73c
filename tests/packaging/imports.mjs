// `node imports.mjs FILE.wasm`: the module asks its host for nothing but the glue that was generated with it.
// An import from `env` means that something was linked which browsers do not have; it fails only when it is loaded.

import { readFileSync } from 'node:fs';

const [file] = process.argv.slice(2);
const imports = WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(file)));
const foreign = imports.filter(({ module }) => module !== './kafka_wasm_bg.js');
for (const { module, name, kind } of foreign) console.error(`${file} imports the ${kind} ${name} from "${module}"`);
if (foreign.length > 0) process.exit(1);
console.log(`${file}: ${imports.length} imports, all from its own glue`);
