/** Tells names of variables from what was meant for something else. */

/** Returns whether a variable may have this name: one that begins with - is an option, one with $ was for a shell. */
export const isVariableName = (name: string): boolean => name !== '' && !/[=\0\s]|^[-$]/.test(name);
