package key

import "syscall"

// nonBlock lets Close end a read.
const nonBlock = syscall.O_NONBLOCK
