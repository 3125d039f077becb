export { type CompiledPattern, compilePattern } from './pattern.ts';
