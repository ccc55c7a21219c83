package player

import (
	"errors"
	"log/slog"
)

// Player plays tracks one after another on one sink. Its methods may be called from
// any goroutine and never wait for sound.
type Player struct {
	sink   Sink
	log    *slog.Logger
	events chan Event
}

// New starts a player that owns sink; Close closes both.
func New(sink Sink, log *slog.Logger) *Player {
	return &Player{sink: sink, log: log, events: make(chan Event)}
}

// Play puts t behind what sounds and waits; with nothing there, t begins at once or at
// its StartAt. Tracks without a StartAt in the future follow each other without a gap.
// It refuses with ErrTrack a track without Open, with a negative or too large field,
// and one more than MaxQueued; with ErrClosed after Close.
func (p *Player) Play(t Track) error { return errors.ErrUnsupported }

// Stop cuts every track that Play has accepted so far: what sounds fades out within
// Fade, what waits never sounds. Each gets its Ended with ErrStopped, unless it ended
// on its own before. A track played after Stop is not touched by it and begins
// directly after the fade.
func (p *Player) Stop() {}

// Events yields what happens, in order. Nothing but Progress is ever dropped, and a
// receiver that does not read delays no sound. It is closed by Close.
func (p *Player) Events() <-chan Event { return p.events }

// Close stops at once, without a fade, and ends the player's goroutines. Tracks
// still alive get no Ended.
func (p *Player) Close() error { return p.sink.Close() }
