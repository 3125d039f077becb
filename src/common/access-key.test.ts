import { describe, expect, it } from 'vitest';
import { accountOfAccessKeyId, newAccessKeyId } from './access-key.ts';
import { seededIds } from './ids.ts';

describe('newAccessKeyId()', () => {
  it('carries its account', () => {
    const ids = seededIds(7);
    for (const account of ['000000000000', '111111111111', '999999999999']) {
      const id = newAccessKeyId(ids, 'AKIA', account);
      expect(id).toMatch(/^AKIA[A-Z2-7]{16}$/);
      expect(accountOfAccessKeyId(id)).toBe(account);
    }
  });
});

describe('accountOfAccessKeyId()', () => {
  it('reads the documented example', () => {
    expect(accountOfAccessKeyId('AKIAIOSFODNN7EXAMPLE')).toBe('581039954779');
  });

  it('refuses what is no key id', () => {
    expect(accountOfAccessKeyId('test')).toBeUndefined();
    expect(accountOfAccessKeyId('AKIA0000000000000000')).toBeUndefined();
  });
});
