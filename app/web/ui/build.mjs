// Bundles GraphiQL into the folder that the first argument names. The names of the bundles contain a hash of their content,
// so that browsers can store them forever. manifest.json maps the name of a source to the name of its bundle.
import { build } from 'esbuild';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { compressAll } from './compress.mjs';

const folder = process.argv[2];
const options = {
  bundle: true,
  minify: true,
  metafile: true,
  outdir: folder,
  entryNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  loader: { '.graphql': 'text', '.ttf': 'file' },
  define: { 'process.env.NODE_ENV': '"production"' },
  legalComments: 'linked',
  logLevel: 'warning',
};

function bundles(result) {
  const found = {};
  for (const [path, output] of Object.entries(result.metafile.outputs)) {
    if (!output.entryPoint) continue;
    const name = basename(output.entryPoint).replace(/\.jsx?$/, '');
    found[`${name}.js`] = basename(path);
    if (output.cssBundle) found[`${name}.css`] = basename(output.cssBundle);
  }
  return found;
}

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const workers = bundles(
  await build({
    ...options,
    format: 'iife',
    entryPoints: [
      'monaco-editor/esm/vs/editor/editor.worker.js',
      'monaco-editor/esm/vs/language/json/json.worker.js',
      'monaco-graphql/esm/graphql.worker.js',
    ],
  }),
);
const pages = bundles(
  await build({
    ...options,
    format: 'esm',
    jsx: 'automatic',
    entryPoints: ['src/graphiql.jsx'],
    define: { ...options.define, WORKERS: JSON.stringify(workers) },
  }),
);
await writeFile(join(folder, 'manifest.json'), JSON.stringify({ ...workers, ...pages }));

await compressAll(folder);
