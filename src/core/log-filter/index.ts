export { type CompiledFilter, compileFilter, type LogFilter } from './filter.ts';
