//go:build !oto || !cgo

package speaker

import "errors"

// HasOto says whether Child can drive a card in this build, by oto or by ALSA itself.
const HasOto = false

// errNoOto says that this program was built without the tag oto, or without cgo: then
// the parent drives aplay.
var errNoOto = errors.New("speaker: built without oto")

func openOto(*engine, card, chan<- error) error { return errNoOto }

func openALSA(*engine, card, chan<- error) error { return errNoOto }
