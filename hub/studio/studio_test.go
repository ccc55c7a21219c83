package studio_test

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/studio"
	"github.com/loa-vn/loa/hub/studio/normalise"
	"github.com/loa-vn/loa/hub/studio/speech"
	"github.com/loa-vn/loa/hub/studio/transcode"
)

const bulletin = "UBND xã Bình An thông báo: 17h30 ngày 21/6, mời bà con đến nhà văn hoá thôn Đông họp bàn về " +
	"việc vệ sinh môi trường. Đề nghị mỗi hộ cử một người tham dự đầy đủ và đúng giờ. Xin cảm ơn!"

// newStudio is a studio with the real tools, in a directory of its own.
func newStudio(t testing.TB) (*studio.Studio, string) {
	t.Helper()
	for _, tool := range []string{"ffmpeg", "ffprobe", "espeak-ng"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	dir := t.TempDir()
	cfg := studio.Config{Dir: dir, TempDir: t.TempDir()}
	cfg.Transcode.Nice = 1
	return studio.New(cfg, speech.New(speech.EspeakConfig("")), slog.New(slog.DiscardHandler)), dir
}

func files(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestTextBecomesARenditionAtTheTarget(t *testing.T) {
	s, dir := newStudio(t)
	var stages []string
	r, err := s.FromText(t.Context(), studio.TextJob{Text: bulletin, Title: "Thông báo", Chime: studio.ChimeTwo},
		func(stage string, fraction float64) {
			if fraction < 0 || fraction > 1 {
				t.Errorf("%s: fraction %v", stage, fraction)
			}
			if len(stages) == 0 || stages[len(stages)-1] != stage {
				stages = append(stages, stage)
			}
		})
	if err != nil {
		t.Fatal(err)
	}
	if r.Loudness < transcode.TargetHorn-0.5 || r.Loudness > transcode.TargetHorn+0.5 {
		t.Errorf("loudness %v LUFS", r.Loudness)
	}
	if r.TruePeak > -1 {
		t.Errorf("true peak %v dBTP", r.TruePeak)
	}
	if !strings.Contains(r.Spoken, "uỷ ban nhân dân xã bình an") || !strings.Contains(r.Spoken, "mười bảy giờ ba mươi") {
		t.Errorf("spoken %q", r.Spoken)
	}
	if len(r.Changes) == 0 || r.Frames < 5*transcode.Rate {
		t.Errorf("%d changes, %d frames", len(r.Changes), r.Frames)
	}
	if got := files(t, dir); len(got) != 1 || got[0] != r.Digest.String()+".opus" {
		t.Errorf("files %v", got)
	}
	if want := "read speak probe measure level encode verify"; !strings.HasPrefix(strings.Join(stages, " "), want) {
		t.Errorf("stages %v", stages)
	}
}

func TestTheSameJobGivesTheSameBytesAlsoAtOnce(t *testing.T) {
	s, dir := newStudio(t)
	const jobs = 4
	var wait sync.WaitGroup
	got := make([]studio.Rendition, jobs)
	errs := make([]error, jobs)
	for i := range jobs {
		wait.Go(func() {
			got[i], errs[i] = s.FromText(t.Context(), studio.TextJob{Text: bulletin, Voice: speech.VoiceSouth}, nil)
		})
	}
	wait.Wait()
	for i := range jobs {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if got[i].Digest != got[0].Digest {
			t.Errorf("job %d: digest %v, want %v", i, got[i].Digest, got[0].Digest)
		}
	}
	if names := files(t, dir); len(names) != 1 {
		t.Errorf("files %v", names)
	}
}

func TestARecordingBecomesARendition(t *testing.T) {
	s, _ := newStudio(t)
	source := filepath.Join(t.TempDir(), "recording.wav")
	f, err := os.Create(source)
	if err != nil {
		t.Fatal(err)
	}
	if err := speech.WriteWAV(f, speech.PCM{Rate: 44100, Samples: studio.ChimeFour.Samples(44100)}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := s.FromRecording(t.Context(), studio.RecordingJob{Path: source}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := int64(len(studio.ChimeFour.Samples(44100))) * transcode.Rate / 44100
	if d := r.Frames - want; d < -1 || d > 1 {
		t.Errorf("%d frames, want %d", r.Frames, want)
	}
	if r.Spoken != "" {
		t.Errorf("spoken %q", r.Spoken)
	}

	whole, err := s.FromRecording(t.Context(), studio.RecordingJob{
		Path: source, Chime: studio.ChimeTwo, Title: "Họp thôn lúc 19h30", Treatment: transcode.Options{Repeat: 2},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(whole.Spoken, "mười chín giờ ba mươi") || len(whole.Changes) == 0 {
		t.Errorf("title spoken %q, %d changes", whole.Spoken, len(whole.Changes))
	}
	chime := int64(len(studio.ChimeTwo.Samples(transcode.Rate)))
	if least := 2*want + chime + 3*transcode.Rate; whole.Frames < least || whole.Frames > least+4*transcode.Rate {
		t.Errorf("%d frames with chime, title and a repeat, want %d and a title", whole.Frames, least)
	}
	if _, err := s.FromRecording(t.Context(), studio.RecordingJob{Path: source, Treatment: transcode.Options{Repeat: 6}}, nil); !errors.Is(err, studio.ErrRepeat) {
		t.Errorf("six times: %v", err)
	}
	if _, err := s.FromRecording(t.Context(), studio.RecordingJob{Path: source, Title: "a\x07b"}, nil); !errors.Is(err, normalise.ErrControl) {
		t.Errorf("control character in the title: %v", err)
	}
}

func TestBadTextIsRefusedBeforeAnythingRuns(t *testing.T) {
	s := studio.New(studio.Config{Dir: t.TempDir()}, nil, slog.New(slog.DiscardHandler))
	for text, want := range map[string]error{
		"":                          normalise.ErrEmpty,
		" \n\t":                     normalise.ErrOnlySpace,
		"...":                       normalise.ErrNothingRead,
		strings.Repeat("a", 200000): normalise.ErrTooLong,
		"a\u202eb":                  normalise.ErrDirection,
		"a\x07b":                    normalise.ErrControl,
	} {
		if _, err := s.FromText(t.Context(), studio.TextJob{Text: text}, nil); !errors.Is(err, want) {
			t.Errorf("%.20q: %v, want %v", text, err, want)
		}
	}
	if _, err := s.FromText(t.Context(), studio.TextJob{Text: "a", Repeat: 6}, nil); !errors.Is(err, studio.ErrRepeat) {
		t.Errorf("repeat 6: %v", err)
	}
}

func TestALongTextCanBeHeardWhileItGrows(t *testing.T) {
	s, _ := newStudio(t)
	heard, frames, rate := 0, 0, 0
	fractions := 0
	job := studio.TextJob{Text: strings.Repeat(bulletin+"\n", 8), Title: "Thông báo", Rate: 2, Listen: func(p speech.PCM) {
		heard++
		frames += len(p.Samples)
		rate = p.Rate
	}}
	r, err := s.FromText(t.Context(), job, func(stage string, f float64) {
		if stage == studio.StageSpeak && f > 0 && f < 1 {
			fractions++
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if heard < 4 || fractions < 3 {
		t.Errorf("%d pieces, %d fractions", heard, fractions)
	}
	said := int64(frames) * transcode.Rate / int64(rate)
	if said > r.Frames || said < r.Frames-2*transcode.Rate {
		t.Errorf("%d frames heard of %d", said, r.Frames)
	}
}

func TestAPauseFollowsEachSentence(t *testing.T) {
	s, _ := newStudio(t)
	job := studio.TextJob{Text: "Mời bà con đi họp. Họp lúc bảy giờ tối. Xin cảm ơn."}
	plain, err := s.Say(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	job.Pause = time.Second
	slow, err := s.Say(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	// Sentences spoken one by one lack the engine's own short pause between them.
	if more := time.Duration(len(slow.Samples)-len(plain.Samples)) * time.Second / time.Duration(slow.Rate); more < 2*time.Second || more > 4*time.Second {
		t.Errorf("three pauses of a second make it %s longer", more)
	}
	job.Pause = studio.MaxPause + 1
	if _, err := s.Say(t.Context(), job); !errors.Is(err, studio.ErrPause) {
		t.Errorf("got %v", err)
	}
}

func TestTitleAndTextAreRepeatedAfterOneChime(t *testing.T) {
	s, _ := newStudio(t)
	length := func(repeat int, chime studio.Chime) float64 {
		r, err := s.FromText(t.Context(), studio.TextJob{Text: "Mời bà con họp thôn.", Repeat: repeat, Chime: chime}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r.Duration().Seconds()
	}
	once, thrice := length(1, studio.ChimeNone), length(3, studio.ChimeNone)
	if thrice < 3*once || thrice > 3*once+3 {
		t.Errorf("once %.1f s, three times %.1f s", once, thrice)
	}
	chimed := length(1, studio.ChimeTwo)
	want := once + 0.6 + float64(len(studio.ChimeTwo.Samples(48000)))/48000
	if d := chimed - want; d < -0.01 || d > 0.01 {
		t.Errorf("with chime %.3f s, want %.3f s", chimed, want)
	}
}

func TestAKilledEngineLeavesNoFile(t *testing.T) {
	dir, temp := t.TempDir(), t.TempDir()
	engine := speech.New(speech.Config{Program: "/nowhere/engine", Voices: map[speech.Voice]string{speech.VoiceNorth: "x"}, TempDir: temp})
	s := studio.New(studio.Config{Dir: dir, TempDir: temp}, engine, slog.New(slog.DiscardHandler))
	_, err := s.FromText(t.Context(), studio.TextJob{Text: bulletin}, nil)
	if !errors.Is(err, speech.ErrEngineMissing) {
		t.Errorf("got %v", err)
	}
	if left := append(files(t, dir), files(t, temp)...); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
