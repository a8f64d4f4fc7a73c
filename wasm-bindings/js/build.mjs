// Builds the npm package: node build.mjs <folder with kafka_wasm.js and kafka_wasm_bg.wasm> <folder for the package>
//
// The folder is ready for `npm pack` afterwards. Prints the sizes against their budget and fails when they are over it.

import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { shortenNames } from './short-names.mjs'

/** Bytes, gzipped: everything in JavaScript that one entry loads, and the core. */
const JAVASCRIPT_BUDGET = 15 * 1024
/** The same for what src/admin.ts adds to it. */
const ADMIN_BUDGET = 2 * 1024
const CORE_BUDGET = 300 * 1024

/** Properties of ours, and of the glue, which no public type mentions: bundled under short names. */
const INTERNAL =
  /^(__destroy_into_raw|__wbg_ptr|_wbg_cb_unref|addTo|afterTurn|beforeTurn|boundary|closeAll|connected|counters|credentials|deadline|deliver|delivered|discard|disconnected|drain|drained|empty|ended|failAll|failed|failUntil|fits|flags|forgetFrom|group|grow|handle|head|opened|option|layers|ready|readyAnyway|received|recordsAvailable|refresh|refusal|report|reportAddress|reportNumber|request|reserve|resolved|schedule|setPaused|settleBeforeStop|shared|statusChanged|takeErrors|topicName|words)$/

const here = dirname(fileURLToPath(import.meta.url))
const [wasmFolder, packageFolder] = process.argv.slice(2).map((folder) => resolve(folder))
if (packageFolder === undefined) {
  console.error('usage: node build.mjs <wasm folder> <package folder>')
  process.exit(2)
}
const dist = join(packageFolder, 'dist')
rmSync(dist, { recursive: true, force: true })
mkdirSync(dist, { recursive: true })

const { core, glue } = shortenNames(readFileSync(join(wasmFolder, 'kafka_wasm_bg.wasm')), glueWithoutLoader())
const packedCore = gzipSync(core, { level: 9 })
writeFileSync(join(dist, 'core.wasm'), core)

writeTypes()
const outputs = await bundle(dist)
const withoutAdmin = await measureWithoutAdmin()
writeManifest()
copyFileSync(join(here, 'README.md'), join(packageFolder, 'README.md'))
copyFileSync(join(here, '../../LICENSE'), join(packageFolder, 'LICENSE'))
report(outputs)

function writeTypes() {
  const tsc = join(here, 'node_modules/typescript/bin/tsc')
  const options = ['--declaration', '--emitDeclarationOnly', '--outDir', dist]
  execFileSync(process.execPath, [tsc, '--project', here, ...options], { stdio: 'inherit' })
  // What no public type mentions is nobody's business.
  const seen = new Set(['index', 'slim', 'transports/tcp', 'transports/websocket'].map((entry) => join(dist, `${entry}.d.ts`)))
  for (const file of seen) {
    for (const [, path] of readFileSync(file, 'utf8').matchAll(/from '(\.[^']+)\.js'/g)) seen.add(join(dirname(file), `${path}.d.ts`))
  }
  for (const file of readdirSync(dist, { recursive: true })) {
    if (file.endsWith('.d.ts') && !seen.has(join(dist, file))) rmSync(join(dist, file))
  }
}

/** Bundles all entries at once, so that what they share is loaded once. */
async function bundle(outdir, more = []) {
  const packed = `export default ${JSON.stringify(packedCore.toString('base64'))}`
  const entries = ['index', 'node', 'slim', 'transports/tcp', 'transports/websocket']
  const result = await build({
    absWorkingDir: here,
    entryPoints: entries.map((entry) => ({ in: `src/${entry}.ts`, out: entry })),
    outdir,
    outExtension: { '.js': '.js' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'neutral',
    target: ['es2022', 'node20', 'chrome109', 'firefox115', 'safari16.4'],
    external: ['node:*'],
    minify: true,
    mangleProps: INTERNAL,
    chunkNames: 'shared/[name]-[hash]',
    legalComments: 'none',
    metafile: true,
    plugins: [
      provide('#glue', glue),
      provide('#packed', packed),
      ...more,
    ],
  })
  return result.metafile.outputs
}

/** The size of the JavaScript without src/admin.ts. */
async function measureWithoutAdmin() {
  const folder = join(packageFolder, 'without-admin')
  const contents = "export { Client as Admin } from './client.ts'"
  const plugin = {
    name: 'no-admin',
    setup: ({ onLoad }) => onLoad({ filter: /src[/\\]admin\.ts$/ }, () => ({ contents, loader: 'ts' })),
  }
  const outputs = await bundle(join(folder, 'dist'), [plugin])
  const size = sizeOf(outputs)
  rmSync(folder, { recursive: true })
  return size
}

/**
 * What wasm-bindgen generated, without its way of loading the core: we have one, and bundlers would follow the URL in its,
 * and fail.
 */
function glueWithoutLoader() {
  const source = readFileSync(join(wasmFolder, 'kafka_wasm.js'), 'utf8')
  const own = /\nexport \{ initSync, __wbg_init as default \};/
  for (const part of [own, 'function __wbg_get_imports(', 'function __wbg_finalize_init(instance, module)']) {
    if (source.search(part instanceof RegExp ? part : part.replace(/[()]/g, '\\$&')) < 0) {
      throw new Error(`wasm-bindgen's output has changed: there is no ${part} in it`)
    }
  }
  // Fallbacks for hosts older than any of ours.
  const registry = /\(typeof FinalizationRegistry === 'undefined'\)\s+\? \{[^\n]*\}\s+: (new FinalizationRegistry)/g
  const encoder = /if \(!\('encodeInto' in cachedTextEncoder\)\) \{[\s\S]*?\n\}\n/g
  for (const fallback of [registry, encoder]) {
    if (source.search(fallback) < 0) throw new Error(`wasm-bindgen's output has changed: there is no ${fallback} in it`)
  }
  // Timers call into the core with nobody of ours on the stack: src/core.ts guards them.
  const timers = "import { setTimer as setTimeout, clearTimer as clearTimeout } from './src/core.ts'\n"
  const modern = source.replace(registry, '$1').replace(encoder, '')
  return timers + inShort(modern).replace(own, '\nexport { __wbg_get_imports as coreImports, __wbg_finalize_init as useCore };')
}

/** Shorter ways to say the same: what the core imports as arrow functions, caught where they may throw. */
function inShort(glue) {
  const changes = [
    // Nothing of ours disposes of a handle by the symbol.
    [/^if \(Symbol\.dispose\).*$/gm, ''],
    // Handles are freed when they are forgotten, never by hand.
    [/^ {4}__destroy_into_raw\(\) \{[^]*?\n {4}\}\n {4}free\(\) \{[^]*?\n {4}\}\n/gm, ''],
    // Memory that has grown has another buffer: reason enough to look again.
    [/(\w+)\.buffer\.detached === true \|\| \(\1\.buffer\.detached === undefined && (\1\.buffer !== wasm\.memory\.buffer)\)/g, '$2'],
    // Of what every host has, this cannot throw.
    [/(\w+): function\(arg0\) \{\s*let result;\s*try \{\s*result = (arg0 instanceof \w+);\s*\} catch \(_\) \{\s*result = false;\s*\}\s*const ret = result;\s*return ret;\s*\},/g, '$1: (arg0) => $2,'],
    [/(\w+): function\(\) \{ return handleError\(function \(([^)]*)\) \{/g, '$1: handleError(($2) => {'],
    [/^\s*\}, arguments\); \},$/gm, '}),'],
    [/^function handleError\(f, args\) \{\n([^]*?)return f\.apply\(this, args\);([^]*?)\n\}$/m, 'function handleError(f) { return (...args) => {\n$1return f(...args);$2\n} }'],
    [/(\w+): function\(([^)]*)\) \{\n\s*const ret = ([^;]*);\n\s*return ret;\n\s*\},/g, '$1: ($2) => ($3),'],
    [/\(\(([^)]*)\) => \{\n\s*const ret = ([^;]*);\n\s*return ret;\n\s*\}\),/g, '(($1) => ($2)),'],
    [/(\w+): function\(([^)]*)\) \{/g, '$1: ($2) => {'],
  ]
  return changes.reduce((text, [from, to]) => {
    if (text.search(from) < 0) throw new Error(`wasm-bindgen's output has changed: there is no ${from} in it`)
    return text.replace(from, to)
  }, glue)
}

function provide(name, contents) {
  return {
    name,
    setup({ onResolve, onLoad }) {
      const filter = new RegExp(`^${name}$`)
      onResolve({ filter }, () => ({ path: name, namespace: name, sideEffects: false }))
      onLoad({ filter, namespace: name }, () => ({ contents, loader: 'js', resolveDir: here }))
    },
  }
}

/** The published package.json: ours without what only its development needs. */
function writeManifest() {
  const { scripts, devDependencies, ...manifest } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))
  const published = { ...manifest, files: ['dist', 'README.md', 'LICENSE'] }
  writeFileSync(join(packageFolder, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
}

function report(outputs) {
  for (const file of readdirSync(dist, { recursive: true }).sort()) {
    if (file.endsWith('.js')) {
      const text = readFileSync(join(dist, file), 'utf8')
      for (const trap of ['import.meta', 'new Function', 'eval(']) {
        if (text.includes(trap)) throw new Error(`${file} contains ${trap}, which does not load everywhere`)
      }
    }
  }
  const admin = sizeOf(outputs) - withoutAdmin
  const brotli = brotliCompressSync(core, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length
  console.log(`core.wasm: ${core.length} bytes, ${packedCore.length} gzipped, ${brotli} with brotli (budget ${CORE_BUDGET} gzipped)`)
  console.log(`JavaScript: ${withoutAdmin} bytes gzipped (budget ${JAVASCRIPT_BUDGET})`)
  console.log(`admin client: ${admin} bytes more (budget ${ADMIN_BUDGET})`)
  if (withoutAdmin > JAVASCRIPT_BUDGET || admin > ADMIN_BUDGET || packedCore.length > CORE_BUDGET) {
    console.error('error: over the budget')
    process.exit(1)
  }
}

/** Bytes, gzipped, of all JavaScript that a browser loads. */
function sizeOf(outputs) {
  const javascript = loadedBy('index', outputs).filter((file) => !isPacked(outputs[file]))
  return gzipSync(Buffer.concat(javascript.map((file) => withoutCore(file))), { level: 9 }).length
}

/** An entry and everything it imports. */
function loadedBy(entry, outputs) {
  const files = Object.keys(outputs)
  const todo = [files.find((file) => file.endsWith(`dist/${entry}.js`))]
  for (const file of todo) {
    for (const { path, external } of outputs[file].imports) if (!external && !todo.includes(path)) todo.push(path)
  }
  return todo
}

function isPacked(output) {
  return Object.keys(output.inputs).length === 1 && Object.keys(output.inputs)[0] === '#packed:#packed'
}

/** A file's text without the core in it, whose size is told by itself. */
function withoutCore(file) {
  const text = readFileSync(resolve(here, file), 'utf8')
  return Buffer.from(text.replaceAll(packedCore.toString('base64'), ''))
}
