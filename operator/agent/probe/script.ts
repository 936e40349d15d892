/** Starts a part of the output, with the part's name behind it. */
export const PART = '===== ';
/** Is set as the name of a new UTS namespace. */
export const MARK = 'sysctl-operator-probe';

/** A node has as many interfaces as pods; these three are in every network namespace, and the others are like lo. */
const INTERFACES = `-type d ( -path '/proc/sys/net/*/conf/*' -o -path '/proc/sys/net/*/neigh/*' ) ! -name all ! -name default ! -name lo -prune`;
/** A folder of its own file system, which a look could mount. */
const MOUNTS = '-path /proc/sys/fs/binfmt_misc -prune';
/** Reads no file and writes none: vm.stat_refresh, for one, does work when it is read. */
const FILES = `${INTERFACES} -o ${MOUNTS} -o -type f`.replaceAll(/[()!]/g, String.raw`\$&`);

/** Nobody on the node, root of namespaces of its own. With a right of the node's root, as some nodes refuse user namespaces without. */
const STRANGER = [
  'setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+sys_admin --ambient-caps=+sys_admin',
  'unshare --user --map-root-user --ipc --pid --fork',
].join(' ');

/** The shell by itself: another program is 2 ms, or 30 where its file is not in memory yet. */
const SET_NAMES = `for name in hostname domainname; do echo ${MARK} > /proc/sys/kernel/$name && read -r value < /proc/sys/kernel/$name && echo "$name:$value"; done`;

const IN_NEW_NET_AND_UTS = [
  `find /proc/sys/net ${FILES} -printf '%m %p\\n'`,
  `echo '${PART}names'`,
  SET_NAMES,
].join('; ');

/**
 * Lists the node's sysctls, then those of new network and UTS namespaces, then what root of new user, IPC and PID namespaces may
 * write. The namespaces end with the processes in them. Needs find, and unshare and setpriv of util-linux.
 */
export const SCRIPT = [
  `echo '${PART}host'`,
  `find /proc/sys ${FILES} -printf '%m %p\\n'`,
  `echo '${PART}fresh'`,
  `unshare --net --uts sh -c '${IN_NEW_NET_AND_UTS.replaceAll("'", String.raw`'\''`)}'`,
  `echo '${PART}permitted'`,
  `${STRANGER} find /proc/sys -path /proc/sys/net -prune -o ${MOUNTS} -o -type f -writable -print`,
].join('\n');
