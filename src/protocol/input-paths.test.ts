import { expect, it } from 'vitest';
import { keysByPath } from './input-paths.ts';

const input = {
  Name: 'a',
  size: 3,
  source: { location: 'here', none: null },
  Layers: ['x', 'y'],
  sources: [{ id: 'one', type: 'S3' }, { id: '$&', type: 'GIT' }, { type: 'NONE' }, 7],
};

it.each([
  ['Name', [['k/${id}', ['a']]]],
  ['size', [['k/${id}', ['3']]]],
  ['source.location', [['k/${id}', ['here']]]],
  ['source.none', []],
  ['Layers[]', [['k/${id}', ['x', 'y']]]],
  ['sources[].type', [['k/${id}', ['S3', 'GIT', 'NONE']]]],
  [
    'sources[id].type',
    [
      ['k/one', ['S3']],
      ['k/$&', ['GIT']],
    ],
  ],
  ['source?', [['k/${id}', ['true']]]],
  ['absent?', []],
  ['refs/heads/{Name}', [['k/${id}', ['refs/heads/a']]]],
  ['refs/heads/{Absent}', []],
  ['constructor', []],
  ['source', []],
])('keysByPath() reads %s', (path, keys) => {
  expect(keysByPath('k/${id}', path, input)).toEqual(keys);
});
