/** `10.0.0.0/24` and `2001:db8::/32` as tests of an address; undefined when malformed. */
export function compileCidr(text: string): ((address: string) => boolean) | undefined {
  const [base = '', length = ''] = text.split('/');
  const network = addressBits(base);
  if (network === undefined || !/^\d{1,3}$/.test(length) || Number(length) > network.length) return undefined;
  const prefix = network.slice(0, Number(length));
  return (address) => {
    const bits = addressBits(address);
    return bits !== undefined && bits.length === network.length && bits.startsWith(prefix);
  };
}

function addressBits(address: string): string | undefined {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) {
    const parts = address.split('.').map(Number);
    return parts.some((part) => part > 255)
      ? undefined
      : parts.map((part) => part.toString(2).padStart(8, '0')).join('');
  }
  if (!address.includes(':') || /:::/.test(address)) return undefined;
  const halves = address.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const count = groups.reduce((sum, half) => sum + half.length, 0);
  if (halves.length === 1 ? count !== 8 : count > 7) return undefined;
  const all = [...(groups[0] ?? []), ...Array.from({ length: 8 - count }, () => '0'), ...(groups[1] ?? [])];
  if (all.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return all.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('');
}
