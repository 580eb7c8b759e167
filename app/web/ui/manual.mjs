// Renders the manual: node manual.mjs <folder of Markdown files> <output folder> <version>. The service serves the file
// <name>.html at /docs/<name>, and index.html at /docs. The menu lists the pages in the order of the
// links in index.md.
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import MarkdownIt from 'markdown-it';

import { compressAll } from './compress.mjs';

const [sources, output, version] = process.argv.slice(2);
const markdown = new MarkdownIt({ html: false });
const { escapeHtml } = markdown.utils;

// Makes the same anchors as GitHub, so that links work in both places.
function slugOf(title) {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}

function textOf(inline) {
  return inline.children.map((token) => token.content).join('');
}

function pathOf(name) {
  return name === 'index' ? '/docs' : `/docs/${name}`;
}

// Changes a link between Markdown files into a link between pages: operation.md#limits to /docs/operation#limits.
function toServedLink(href) {
  const found = /^([\w-]+)\.md(#.*)?$/.exec(href);
  return found ? pathOf(found[1]) + (found[2] ?? '') : href;
}

function headingsOf(tokens) {
  return tokens
    .map((token, at) => ({ token, title: token.type === 'heading_open' ? textOf(tokens[at + 1]) : '' }))
    .filter(({ token }) => token.type === 'heading_open')
    .map(({ token, title }) => {
      token.attrSet('id', slugOf(title));
      return { level: Number(token.tag.slice(1)), id: slugOf(title), title };
    });
}

// A wide table or code block scrolls separately from the page. With `tabindex`, it can be scrolled with the keyboard.
markdown.renderer.rules.table_open = () => '<div class="wide" tabindex="0"><table>\n';
markdown.renderer.rules.table_close = () => '</table></div>\n';
markdown.renderer.rules.fence = (tokens, at) =>
  `<pre class="wide" tabindex="0"><code>${escapeHtml(tokens[at].content)}</code></pre>\n`;

// On a phone, each cell is on its own line and begins with the name of its column.
function labelCells(tokens) {
  let labels = [];
  let column = 0;
  tokens.forEach((token, at) => {
    if (token.type === 'thead_open') labels = [];
    if (token.type === 'th_open') labels.push(textOf(tokens[at + 1]));
    if (token.type === 'tr_open') column = 0;
    if (token.type === 'td_open') token.attrSet('data-label', labels[column++] ?? '');
  });
}

async function readPage(name) {
  const tokens = markdown.parse(await readFile(join(sources, `${name}.md`), 'utf8'), {});
  const links = [];
  for (const inline of tokens.filter((token) => token.type === 'inline')) {
    for (const link of inline.children.filter((token) => token.type === 'link_open')) {
      links.push(link.attrGet('href'));
      link.attrSet('href', toServedLink(link.attrGet('href')));
    }
  }
  labelCells(tokens);
  const headings = headingsOf(tokens);
  const body = markdown.renderer.render(tokens, markdown.options, {});
  return { name, title: headings[0].title, sections: headings.filter(({ level }) => level === 2), links, body };
}

function sectionsOf(page) {
  const items = page.sections.map(({ id, title }) => `<li><a href="#${id}">${escapeHtml(title)}</a></li>`);
  return `<ul>${items.join('')}</ul>`;
}

function menuFor(page, pages) {
  const items = pages.map(({ name, title }) => {
    const current = name === page.name;
    const link = `<a href="${pathOf(name)}"${current ? ' aria-current="page"' : ''}>${escapeHtml(title)}</a>`;
    return `<li>${link}${current && page.sections.length ? sectionsOf(page) : ''}</li>`;
  });
  return `<ul>${items.join('\n')}</ul>`;
}

function toHtml(page, pages, stylesheet) {
  const title = page.name === 'index' ? page.title : `${page.title} - Profile API`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/${stylesheet}">
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<a class="home" href="/docs">Profile API</a>
<span>Manual ${escapeHtml(version)}</span>
<a href="/">Open the API</a>
</header>
<details class="small-menu">
<summary>Pages and sections</summary>
<nav aria-label="Pages and sections">${menuFor(page, pages)}</nav>
</details>
<div class="columns">
<nav class="menu" aria-label="Pages">${menuFor(page, pages)}</nav>
<main id="content">
${page.body}</main>
</div>
</body>
</html>
`;
}

const names = (await readdir(sources)).filter((name) => name.endsWith('.md')).map((name) => name.slice(0, -3));
const found = new Map();
for (const name of names) found.set(name, await readPage(name));
const listed = found.get('index').links.map((href) => href.replace(/\.md.*$/, ''));
const pages = [...new Set(['index', ...listed, ...names])].map((name) => found.get(name)).filter(Boolean);

await rm(output, { recursive: true, force: true });
await mkdir(output, { recursive: true });
const style = await readFile('manual.css');
const stylesheet = `manual-${createHash('sha256').update(style).digest('hex').slice(0, 10)}.css`;
await writeFile(join(output, stylesheet), style);
for (const page of pages) await writeFile(join(output, `${page.name}.html`), toHtml(page, pages, stylesheet));
await compressAll(output);
