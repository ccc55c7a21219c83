package hub

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/api"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/relay"
	"github.com/loa-vn/loa/hub/studio/child"
	"github.com/loa-vn/loa/protocol"
)

// What ffmpeg may take while it relays.
const (
	relayMemory = 1 << 30
	relayOutput = 1 << 30 // bytes: more than four hours at any bitrate of speech
	relayNice   = 5
)

// ffmpeg runs ffmpeg for a relay, confined; it may use the network.
func ffmpeg(path string) relay.Run {
	return func(ctx context.Context, args []string, input io.Reader, output, words io.Writer) error {
		_, err := child.Run(ctx, child.Spec{
			Path: path, Args: args, Stdin: input, Stdout: output, Stderr: words, Network: true,
			Timeout: protocol.MaxRelay + protocol.MaxLateness, MaxOutput: relayOutput, Memory: relayMemory, Nice: relayNice,
		})
		return err
	}
}

// Streams makes bulletins of stations and of live speech.
type Streams struct {
	bulletins *bulletin.Service
	relays    *relay.Service
	settings  config.Relay
	now       func() time.Time
}

// Stations implements api.Relays.
func (s Streams) Stations() []api.StationBody {
	out := []api.StationBody{}
	for id := range s.settings.Stations {
		_, name, _ := s.settings.Station(id)
		out = append(out, api.StationBody{ID: id, Name: name})
	}
	return out
}

// Create implements api.Relays.
func (s Streams) Create(ctx context.Context, a account.Actor, n api.NewRelay) (bulletin.Bulletin, error) {
	r := protocol.Relay{
		Source: n.Source, Length: protocol.MillisOf(n.Length), From: uint64(n.From), To: uint64(n.To),
		Silence: protocol.MillisOf(n.Silence),
	}
	if n.Station != "" {
		address, name, ok := s.settings.Station(n.Station)
		if !ok {
			return bulletin.Bulletin{}, problem.New(problem.ErrInvalid, "station", "station", "Không có đài này. Hãy chọn đài trong danh sách.", "There is no such station. Choose one of the list.")
		}
		r.URL, r.Source = address, name
	}
	if n.From >= n.To || time.Duration(n.To-n.From)*time.Minute < n.Length {
		return bulletin.Bulletin{}, problem.New(problem.ErrInvalid, "slot", "to", "Khung giờ tiếp sóng phải dài ít nhất bằng thời lượng.", "The slot must be at least as long as the relay.")
	}
	session, private, err := relay.NewKey(s.now())
	if err != nil {
		return bulletin.Bulletin{}, err
	}
	public, _ := private.Public().(ed25519.PublicKey)
	r.Session, r.Key = session, protocol.Key{Kind: protocol.KeyEd25519, Public: public}
	if err := r.Validate(); err != nil {
		return bulletin.Bulletin{}, problem.New(problem.ErrInvalid, "relay", "source", "Nguồn, thời lượng hoặc khung giờ tiếp sóng không đúng. Hãy kiểm tra lại.", "The relay's source, length or slot is wrong. Check them.").Because(err)
	}
	c := bulletin.Content{Unit: n.Unit, Class: n.Class, Title: n.Title, Text: "Tiếp sóng: " + r.Source, Board: n.Board}
	if n.Station == "" {
		c.Text = "Phát trực tiếp: " + r.Source
	}
	if c.Title == "" {
		c.Title = c.Text
	}
	b, err := s.bulletins.Made(ctx, a, c, nil, &r)
	if err != nil {
		return bulletin.Bulletin{}, err
	}
	if err := s.relays.Add(ctx, relay.Stream{Bulletin: b.ID, Relay: r, Private: private}); err != nil {
		return bulletin.Bulletin{}, fmt.Errorf("relay: %w", err)
	}
	return b, nil
}

// Events implements api.Relays.
func (s Streams) Events(ctx context.Context, id protocol.SessionID) ([]relay.Event, error) {
	return s.relays.Events(ctx, id)
}

// Feed implements api.Relays.
func (s Streams) Feed(ctx context.Context, id protocol.SessionID, sound io.Reader) error {
	return s.relays.Feed(ctx, id, sound)
}
