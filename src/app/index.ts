export { compileOptions, OptionError, type ServerConfig, type ServerOptions } from './config.ts';
export { loadServices } from './registry.ts';
export { type RunningServer, startServer } from './server.ts';
export { implementedOperations } from './coverage.ts';
