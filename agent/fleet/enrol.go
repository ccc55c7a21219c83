package fleet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"time"

	"github.com/loa-vn/loa/agent/identity"
)

// busyFor is how long is waited when a hub enrols too many at a time.
const busyFor = 2 * time.Second

// Enrol exchanges the claim of the n-th device of a fleet for its identity below
// data. A hub on this machine sees each device at an address of its own, as it
// would see devices elsewhere. Errors: those of identity.
func Enrol(ctx context.Context, hub, claim, data string, n int) error {
	u, err := url.Parse(hub)
	if err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	d := net.Dialer{}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() == "localhost" || (ip.To4() != nil && ip.IsLoopback()) {
		d.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, byte(1+n>>16), byte(n>>8), byte(n))}
	}
	for {
		_, err := identity.EnrolOver(ctx, d.DialContext, hub, claim, filepath.Join(data, "identity"))
		if !errors.Is(err, identity.ErrBusy) {
			return err
		}
		if !sleep(ctx, busyFor) {
			return ctx.Err()
		}
	}
}
