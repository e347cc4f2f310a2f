/** Playground. Files that the bundler puts in as text. */
declare module '*.policy' {
  const text: string;
  export default text;
}
declare module '*.strace' {
  const text: string;
  export default text;
}
