export const appArmorProfile: (command: string) => string;
