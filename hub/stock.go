package hub

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/blob"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/hub/studio"
	"github.com/loa-vn/loa/hub/studio/speech"
	"github.com/loa-vn/loa/hub/studio/transcode"
	"github.com/loa-vn/loa/protocol"
)

// stock makes the small bulletins that every programme needs, to be approved
// once: chimes and silences.
type stock struct {
	bulletins *bulletin.Service
	blobs     *blob.Dir
}

// maxSilence is the longest silence between two items.
const maxSilence = 5 * time.Minute

// Stock implements api.Library. length is a silence's.
func (s stock) Stock(ctx context.Context, a account.Actor, unit protocol.UnitID, kind programme.ItemKind, length time.Duration) (bulletin.Bulletin, error) {
	c := bulletin.Content{Unit: unit, Class: protocol.ClassNormal, Language: "vi"}
	switch kind {
	case programme.Opening:
		c.Title, c.Text = "Nhạc hiệu mở đầu", "Nhạc hiệu mở đầu chương trình."
		return s.chime(ctx, a, c, studio.ChimeFour)
	case programme.Closing:
		c.Title, c.Text = "Nhạc hiệu kết thúc", "Nhạc hiệu kết thúc chương trình."
		return s.chime(ctx, a, c, studio.ChimeTwo)
	case programme.Silence:
		if length < time.Second || length > maxSilence {
			return bulletin.Bulletin{}, problem.New(problem.ErrInvalid, "seconds", "seconds", "Khoảng lặng phải dài từ 1 đến 300 giây.", "A silence lasts 1 to 300 seconds.")
		}
		c.Title = fmt.Sprintf("Khoảng lặng %d giây", int(length.Seconds()))
		c.Text = c.Title + "."
		return s.silence(ctx, a, c, length)
	}
	return bulletin.Bulletin{}, problem.New(problem.ErrInvalid, "kind", "kind", "Hãy chọn nhạc hiệu mở đầu, nhạc hiệu kết thúc hoặc khoảng lặng.", "Choose the opening chime, the closing chime or a silence.")
}

// chime gives the studio a chime of whole seconds as a recording.
func (s stock) chime(ctx context.Context, a account.Actor, c bulletin.Content, chime studio.Chime) (bulletin.Bulletin, error) {
	samples := chime.Samples(protocol.SoundRate)
	for len(samples)%protocol.SoundRate != 0 {
		samples = append(samples, 0)
	}
	var wav bytes.Buffer
	if err := speech.WriteWAV(&wav, speech.PCM{Rate: protocol.SoundRate, Samples: samples}); err != nil {
		return bulletin.Bulletin{}, fmt.Errorf("chime: %w", err)
	}
	digest, _, err := s.blobs.Put(&wav, protocol.MaxContent)
	if err != nil {
		return bulletin.Bulletin{}, fmt.Errorf("chime: %w", err)
	}
	c.Upload, c.Options.Wanted = digest, true
	return s.bulletins.Create(ctx, a, c, bulletin.FromSound)
}

// silentLoudness stands for the loudness of nothing, in LUFS.
const silentLoudness = -70

func (s stock) silence(ctx context.Context, a account.Actor, c bulletin.Content, length time.Duration) (bulletin.Bulletin, error) {
	ogg, frames := transcode.Silence(length)
	digest, _, err := s.blobs.Put(bytes.NewReader(ogg), protocol.MaxContent)
	if err != nil {
		return bulletin.Bulletin{}, fmt.Errorf("silence: %w", err)
	}
	content, err := s.blobs.Content(digest)
	if err != nil {
		return bulletin.Bulletin{}, fmt.Errorf("silence: %w", err)
	}
	r := bulletin.Rendition{Content: content, Digest: digest.String(), Size: int64(len(ogg)), Frames: frames, Loudness: silentLoudness, TruePeak: silentLoudness}
	return s.bulletins.Made(ctx, a, c, &r, nil)
}
