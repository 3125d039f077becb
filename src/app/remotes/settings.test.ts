import { describe, expect, it } from 'vitest';
import { readRemotes } from './settings.ts';

const WHOLE = `
remotes:
  - account: "222222222222"
    regions: [eu-west-1]
    buckets: [artifacts-eu]
    endpoint: http://10.0.0.7:4566/
    credentials:
      accessKeyId: AKIAEXAMPLE
      secretAccessKey: { env: EU_SECRET }
`;

describe('readRemotes()', () => {
  it('reads accounts, Regions, buckets, and secrets from the environment', () => {
    expect(readRemotes(WHOLE, { EU_SECRET: 'shh' })).toEqual([
      {
        account: '222222222222',
        regions: ['eu-west-1'],
        buckets: ['artifacts-eu'],
        endpoint: 'http://10.0.0.7:4566',
        credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'shh' },
      },
    ]);
    expect(readRemotes('', {})).toEqual([]);
  });

  it.each([
    [
      'a number where a text is',
      WHOLE.replace('"222222222222"', '222222222222'),
      'line 3, remotes[0].account: expected a text',
    ],
    [
      'too few digits',
      WHOLE.replace('"222222222222"', '"22"'),
      'line 3, remotes[0].account: expected twelve digits, in quotes',
    ],
    [
      'a wrong key',
      WHOLE.replace('regions:', 'region:'),
      'line 4, remotes[0].region: unknown; known are account, regions, buckets, endpoint, credentials',
    ],
    [
      'no Region',
      WHOLE.replace('eu-west-1', 'europe'),
      'line 4, remotes[0].regions[0]: expected a Region such as eu-west-1',
    ],
    ['no URL', WHOLE.replace('http://10.0.0.7:4566/', 'ten'), 'line 6, remotes[0].endpoint: expected a URL'],
    [
      'no such variable',
      WHOLE.replace('EU_SECRET', 'OTHER'),
      'line 9, remotes[0].credentials.secretAccessKey: the environment variable OTHER is not set',
    ],
    ['no secret', WHOLE.replace(/ {6}secretAccessKey.*\n/, ''), 'remotes[0].credentials.secretAccessKey: missing'],
    ['no list', 'remotes: yes', 'line 1, remotes: expected a list'],
    ['another part', 'remote: []', 'line 1, remote: unknown; known are remotes'],
    ['no YAML', 'remotes: [', 'line 1'],
  ])('names line and key of %s', (_what, text, message) => {
    expect(() => readRemotes(text, { EU_SECRET: 'shh' })).toThrow(message);
  });
});
