import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

// Bytes. A smaller file fits into one packet, so its compressed form saves no time.
const SMALLEST = 1000;

// Writes a .gz and a .br form beside each file of the folder, so that the service does not compress for each visitor.
// A form that is not at least 10 percent smaller is left out.
export async function compressAll(folder) {
  for (const name of await readdir(folder)) {
    const content = await readFile(join(folder, name));
    if (content.length < SMALLEST || name === 'manifest.json') continue;
    const brotli = {
      params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
    };
    for (const [ending, smaller] of [
      ['gz', gzipSync(content, { level: 9 })],
      ['br', brotliCompressSync(content, brotli)],
    ]) {
      if (smaller.length < 0.9 * content.length) await writeFile(join(folder, `${name}.${ending}`), smaller);
    }
  }
}
