// An ALSA device for tests that knows its delay, as a real card does: frames go into a
// ring in a shared file, from which cardtest takes them at the pace of its clock.
//
// The ring's file begins with five words. written, start, running and period belong to
// this side, consumed to the other, which also stops what runs; all positions are frames since the file was made,
// and none ever decreases, so no lock is needed and either side may die at any time.

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	capacity = 16384, // frames of the ring
	most = 8192,      // frames of a stream's buffer
	frame = 8,        // bytes: two channels of 32 bits
	head = 64,        // bytes before the ring
};

struct ring {
	_Atomic uint64_t written;  // behind the last frame put in
	_Atomic uint64_t consumed; // behind the last frame taken out
	_Atomic uint64_t start;    // the stream's first frame
	_Atomic uint64_t running;  // 1 while the card plays, 2 when it had nothing to play
	_Atomic uint64_t period;   // frames after each of which it wakes this side
};

struct card {
	snd_pcm_ioplug_t io;
	struct ring *ring;
	uint8_t *frames;
	snd_pcm_uframes_t least; // room that is waited for
};

static uint64_t consumed(const struct card *c)
{
	uint64_t at = atomic_load(&c->ring->consumed), start = atomic_load(&c->ring->start);
	return at < start ? start : at;
}

static int begin(snd_pcm_ioplug_t *io)
{
	struct card *c = io->private_data;
	atomic_store(&c->ring->running, 1);
	return 0;
}

static int halt(snd_pcm_ioplug_t *io)
{
	struct card *c = io->private_data;
	atomic_store(&c->ring->running, 0);
	return 0;
}

static int prepare(snd_pcm_ioplug_t *io)
{
	struct card *c = io->private_data;
	atomic_store(&c->ring->running, 0);
	atomic_store(&c->ring->period, io->period_size);
	atomic_store(&c->ring->start, atomic_load(&c->ring->written));
	return 0;
}

static snd_pcm_sframes_t pointer(snd_pcm_ioplug_t *io)
{
	struct card *c = io->private_data;
	uint64_t at = consumed(c), start = atomic_load(&c->ring->start);
	if (atomic_load(&c->ring->running) == 2)
		return -EPIPE;
	return (at - start) % io->buffer_size;
}

static snd_pcm_sframes_t transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
				  snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
	struct card *c = io->private_data;
	uint64_t at = atomic_load(&c->ring->written);
	const uint8_t *from = (const uint8_t *)areas->addr + areas->first / 8 + offset * frame;
	for (snd_pcm_uframes_t i = 0; i < size; i++)
		memcpy(c->frames + (at + i) % capacity * frame, from + i * frame, frame);
	atomic_store(&c->ring->written, at + size);
	return size;
}

static int limits(snd_pcm_ioplug_t *io, snd_pcm_sw_params_t *params)
{
	struct card *c = io->private_data;
	return snd_pcm_sw_params_get_avail_min(params, &c->least);
}

static int woken(snd_pcm_ioplug_t *io, struct pollfd *pfd, unsigned int n, unsigned short *revents)
{
	struct card *c = io->private_data;
	char notes[64];
	(void)n;
	while (read(pfd->fd, notes, sizeof notes) > 0)
		;
	snd_pcm_sframes_t room = snd_pcm_avail_update(io->pcm);
	*revents = room < 0 || (snd_pcm_uframes_t)room >= c->least ? POLLOUT : 0;
	return 0;
}

static int finish(snd_pcm_ioplug_t *io)
{
	struct card *c = io->private_data;
	atomic_store(&c->ring->running, 0);
	munmap(c->ring, head + capacity * frame);
	close(io->poll_fd);
	free(c);
	return 0;
}

static const snd_pcm_ioplug_callback_t calls = {
	.start = begin, .stop = halt, .prepare = prepare, .pointer = pointer,
	.transfer = transfer, .sw_params = limits, .poll_revents = woken, .close = finish,
};

static int constrain(snd_pcm_ioplug_t *io, unsigned int rate)
{
	static const unsigned int access[] = {SND_PCM_ACCESS_RW_INTERLEAVED, SND_PCM_ACCESS_MMAP_INTERLEAVED};
	static const unsigned int format[] = {SND_PCM_FORMAT_S32_LE};
	int err = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 2, access);
	if (err >= 0)
		err = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 1, format);
	if (err >= 0)
		err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, 2, 2);
	if (err >= 0)
		err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, rate, rate);
	if (err >= 0)
		err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_BUFFER_BYTES, 512 * frame, most * frame);
	if (err >= 0)
		err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 128 * frame, most / 2 * frame);
	if (err >= 0)
		err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIODS, 2, 64);
	return err;
}

static int join(struct card *c, const char *ring, const char *wake)
{
	int fd = open(ring, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	void *mem = mmap(NULL, head + capacity * frame, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (mem == MAP_FAILED)
		return -errno;
	c->ring = mem;
	c->frames = (uint8_t *)mem + head;
	c->io.poll_fd = open(wake, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return c->io.poll_fd < 0 ? -errno : 0;
}

SND_PCM_PLUGIN_DEFINE_FUNC(loacard)
{
	const char *ring = NULL, *wake = NULL;
	long rate = 0;
	snd_config_iterator_t i, next;
	snd_config_for_each(i, next, conf)
	{
		snd_config_t *n = snd_config_iterator_entry(i);
		const char *id;
		if (snd_config_get_id(n, &id) < 0)
			continue;
		if (!strcmp(id, "ring"))
			snd_config_get_string(n, &ring);
		else if (!strcmp(id, "wake"))
			snd_config_get_string(n, &wake);
		else if (!strcmp(id, "rate"))
			snd_config_get_integer(n, &rate);
	}
	if (!ring || !wake || !rate || stream != SND_PCM_STREAM_PLAYBACK)
		return -EINVAL;
	struct card *c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	int err = join(c, ring, wake);
	if (err < 0)
		return err;
	c->least = 1;
	c->io.version = SND_PCM_IOPLUG_VERSION;
	c->io.name = "a card for tests";
	c->io.callback = &calls;
	c->io.private_data = c;
	c->io.poll_events = POLLIN;
	err = snd_pcm_ioplug_create(&c->io, name, stream, mode);
	if (err >= 0)
		err = constrain(&c->io, rate);
	if (err < 0)
		return err;
	*pcmp = c->io.pcm;
	return 0;
}

SND_PCM_PLUGIN_SYMBOL(loacard);
