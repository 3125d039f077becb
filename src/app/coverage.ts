import { loadServices } from './registry.ts';

/** The operations that each service implements, by AWS's names, sorted; for the coverage page. */
export async function implementedOperations(): Promise<Record<string, string[]>> {
  const services = await loadServices();
  return Object.fromEntries([...services].map(([name, service]) => [name, Object.keys(service.operations).sort()]));
}
