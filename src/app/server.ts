/** A running Sluice: a house behind a port. */
import type { Log } from '../services/index.ts';
import type { ServerConfig } from './config.ts';
import { listen, type Listener } from './listener.ts';
import { openHouse, type OpenHouse } from './open-house.ts';
import { makeCertificate } from './tls.ts';

export interface RunningServer {
  /** `http://127.0.0.1:4566` */
  readonly url: string;
  readonly port: number;
  /** Set with `tls`: `https://localhost:4567` and the CA file that clients must trust. */
  readonly tls: Readonly<{ url: string; caFile: string }> | undefined;
  readonly open: OpenHouse;
  close(): Promise<void>;
}

export async function startServer(config: ServerConfig, log: Log): Promise<RunningServer> {
  let port = config.port;
  const host = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host;
  const endpoint = (): string => `http://${host}:${port}`;
  let open = await openHouse(config, log, endpoint);
  const listeners: Listener[] = [];
  try {
    const plain = await listen(() => open, { host: config.host, port: config.port });
    listeners.push(plain);
    port = plain.port;
    let tls: RunningServer['tls'];
    if (config.tls) {
      const certificate = await makeCertificate(open.house.config.stateDir);
      const secure = await listen(() => open, { host: config.host, port: config.tlsPort, tls: certificate });
      listeners.push(secure);
      tls = { url: `https://localhost:${secure.port}`, caFile: certificate.caFile };
    }
    if (config.ephemeral) {
      const reset = async (): Promise<void> => {
        await open.close();
        open = await openHouse(config, log, endpoint);
        open.reset = reset;
      };
      open.reset = reset;
    }
    return {
      url: endpoint(),
      port,
      tls,
      get open() {
        return open;
      },
      close: async () => {
        for (const listener of listeners) await listener.close();
        await open.close();
      },
    };
  } catch (error) {
    for (const listener of listeners) await listener.close();
    await open.close();
    throw error;
  }
}
