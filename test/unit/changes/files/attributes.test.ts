import { expect, test } from 'vitest';
import { isNoise } from '../../../../src/changes/files/attributes.js';

test.each([
  'system.nfs4_acl',
  'system.cifs_acl',
  'system.ntfs_attrib',
  'user.overlay.opaque',
  'trusted.overlay.origin',
  'security.selinux',
])('the attribute %s is not one that a program set', (name) => {
  expect(isNoise(name)).toBe(true);
});

test.each([
  'system.posix_acl_access',
  'system.posix_acl_default',
  'security.capability',
  'user.mime_type',
])('the attribute %s is one that a program may have set', (name) => {
  expect(isNoise(name)).toBe(false);
});
