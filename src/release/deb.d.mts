export const maintainerScripts: Readonly<Record<'postinst' | 'prerm' | 'postrm', string>>;
