// Inside the virtual machine, under an AppArmor profile that allows everything but to make user namespaces, as Ubuntu does to
// programs without one: before the package's profile is loaded no way in makes a sandbox of namespaces, and with it the
// native command does. Node has none, then as before.
import { check, cli, finish, front, runMarked, wasMarked } from './case.mjs';

const isLoaded = process.argv[2] === 'loaded';
const namespaces = ['--isolation', 'namespaces'];

const native = runMarked([front], namespaces);
check(`the native command, profile ${process.argv[2]}`, native, {
  'ends as it should': native.status === (isLoaded ? 0 : 125),
  'runs the program if it can be isolated': wasMarked() === isLoaded,
});
const again = runMarked([front], namespaces);
check(`the native command once more, profile ${process.argv[2]}`, again, {
  'ends as it should': again.status === (isLoaded ? 0 : 125),
  'runs the program if it can be isolated': wasMarked() === isLoaded,
});
const node = runMarked([process.execPath, cli], namespaces);
check(`the command in Node, profile ${process.argv[2]}`, node, {
  'ends with 125': node.status === 125,
  'runs nothing': !wasMarked(),
});
finish();
