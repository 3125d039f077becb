#!/usr/bin/env node
// From a fresh clone the program builds itself; from an installed package it is there.
import { existsSync } from 'node:fs';

const built = new URL('../dist/cli.js', import.meta.url);
if (existsSync(new URL('../src', import.meta.url))) {
  const { ensureBuilt, ensureInstalled } = await import('../scripts/setup.mjs');
  ensureInstalled();
  ensureBuilt();
}
await import(built.href);
