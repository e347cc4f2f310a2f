// `npm publish` in a checkout: its dist may be of one processor only, and older than its sources. What is published is the
// tarball of `npm run release`, which has its own checks and for which npm runs no script.
console.error(`wasbox: this publishes whatever dist holds. Make a release, and publish its tarball:
  npm run release
  npm publish build/release/wasbox-${process.env.npm_package_version}-npm.tgz`);
process.exitCode = 1;
