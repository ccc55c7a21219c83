//go:build !oto || !cgo

package speaker

import (
	"errors"
	"time"
)

// HasOto says whether Child can drive a card in this build.
const HasOto = false

// errNoOto says that this program was built without the tag oto, or without cgo: then
// the parent drives aplay.
var errNoOto = errors.New("speaker: built without oto")

func openCard(*engine, int, time.Duration, chan<- error) error { return errNoOto }
