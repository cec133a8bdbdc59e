"""Debian's kernel with the initramfs."""

import hashlib
import http.server
import socket
import threading
import time
import urllib.request
from contextlib import contextmanager

from registry import READY, guest_test

BOOT = 120  # seconds that a boot may take on a slow and busy host
COMMAND = 30
NIC = ("-nic", "user,model=virtio-net-pci")


@guest_test("boot-poweroff")
def boot_poweroff(bench):
    """The kernel boots to a shell; poweroff ends the process with exit code 0."""
    with bench.linux() as guest:
        guest.expect(READY, BOOT)
        guest.expect(r"guest:~# $", COMMAND)
        guest.run("test $(uname -m) = x86_64", COMMAND)
        guest.type("poweroff")
        guest.ends(COMMAND)


@guest_test("boot-command")
def boot_command(bench):
    """A command given on the kernel command line runs, and the guest powers off."""
    with bench.linux(append='vireo.run="expr 6 \\* 7"') as guest:
        guest.expect(READY, BOOT)
        guest.expect(r"(?m)^42\r?$", COMMAND)
        guest.expect("init: command ended with status 0", COMMAND)
        guest.ends(COMMAND)


@guest_test("reboot")
def reboot(bench):
    """With -no-reboot a guest's reboot ends the process with exit code 0."""
    with bench.linux(append='vireo.run="reboot -f"') as guest:
        guest.expect(READY, BOOT)
        guest.ends(COMMAND)


@guest_test("dhcp")
def dhcp(bench):
    """The guest gets an address from user networking."""
    with bench.linux(*NIC) as guest:
        guest.expect(r"init: eth0 has 10\.0\.2\.15", BOOT)
        guest.expect(READY, BOOT)
        guest.run("ip route | grep -q 'default via 10.0.2.2'", COMMAND)
        guest.run("grep -q 'nameserver 10.0.2.3' /etc/resolv.conf", COMMAND)


@contextmanager
def web_server(folder):
    """A web server on the host's loopback; gives its port."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@guest_test("wget")
def wget(bench):
    """The guest fetches a megabyte from a web server on the host's loopback, intact."""
    content = bytes(i * i % 251 for i in range(1 << 20))
    (bench.folder / "file").write_bytes(content)
    with web_server(bench.folder) as port, bench.linux(*NIC) as guest:
        guest.expect(READY, BOOT)
        guest.run(f"wget -q -O /tmp/file http://10.0.2.2:{port}/file", COMMAND)
        guest.type("md5sum /tmp/file")
        guest.expect(hashlib.md5(content).hexdigest(), COMMAND)


@guest_test("network-sizes")
def network_sizes(bench):
    """Transfers in large segments and in small ones, and packets that have to be split, arrive intact."""
    content = bytes(i * i % 251 for i in range(4 << 20))
    (bench.folder / "file").write_bytes(content)
    checksum = hashlib.md5(content).hexdigest()
    with web_server(bench.folder) as port, socket.create_server(("127.0.0.1", 0)) as listener, bench.linux(*NIC) as guest:
        guest.expect(READY, BOOT)
        for mtu in 1500, 900:
            guest.run(f"ifconfig eth0 mtu {mtu}", COMMAND)
            guest.run(f"wget -q -O /tmp/file http://10.0.2.2:{port}/file", COMMAND)
            guest.type("md5sum /tmp/file")
            guest.expect(checksum, COMMAND)
            guest.type(f"nc 10.0.2.2 {listener.getsockname()[1]} </tmp/file")
            connection, _ = listener.accept()
            with connection:
                received = b"".join(iter(lambda connection=connection: connection.recv(1 << 20), b""))
            assert received == content, f"{len(received)} bytes arrived, of {len(content)}, or other ones"
            guest.run("ping -c 2 -s 5000 10.0.2.2", COMMAND)


@guest_test("virtio-blk")
def virtio_blk(bench):
    """What the guest writes to a virtio disk is in the host's file, and an ext4 on it holds files."""
    disk_keeps_data(bench, "virtio", "vda")


@guest_test("ide-disk")
def ide_disk(bench):
    """What the guest writes to an IDE disk is in the host's file, and an ext4 on it holds files."""
    disk_keeps_data(bench, "ide", "sda")


def disk_keeps_data(bench, interface, device):
    image = bench.folder / "image"
    with open(image, "wb") as out:
        out.truncate(64 << 20)
    with bench.linux("-drive", f"file={image},if={interface},format=raw") as guest:
        guest.expect(READY, BOOT)
        guest.run(f"test $(cat /sys/block/{device}/size) = 131072", COMMAND)
        guest.run(f"echo vireo-was-here | dd of=/dev/{device} bs=512 seek=100000 conv=sync,fsync", COMMAND)
        guest.run(f"mke2fs /dev/{device} 40000 && mount -t ext2 /dev/{device} /mnt", 2 * COMMAND)
        guest.run("dd if=/dev/urandom of=/mnt/a bs=1M count=8 && cp /mnt/a /mnt/b && sync", 2 * COMMAND)
        guest.run("umount /mnt && echo 3 >/proc/sys/vm/drop_caches && mount -t ext2 /dev/" + device + " /mnt", COMMAND)
        guest.run("cmp /mnt/a /mnt/b && umount /mnt", COMMAND)
        guest.type("poweroff")
        guest.ends(COMMAND)
    with open(image, "rb") as back:
        back.seek(100000 * 512)
        found = back.read(14)
    assert found == b"vireo-was-here", f"the host's file holds {found!r}"


@guest_test("virtio-rng")
def virtio_rng(bench):
    """The kernel takes random bytes from a virtio-rng device."""
    with bench.linux("-device", "virtio-rng-pci") as guest:
        guest.expect(READY, BOOT)
        guest.run("grep -q virtio /sys/class/misc/hw_random/rng_current", COMMAND)
        guest.run("test $(dd if=/dev/hwrng bs=64 count=1 2>/dev/null | wc -c) = 64", COMMAND)


@guest_test("clock")
def clock(bench):
    """The guest's clock starts at the host's time and runs at its speed."""
    with bench.linux() as guest:
        guest.expect(READY, BOOT)
        guest.type("date +now:%s:")
        started = int(guest.expect(r"now:(\d+):", COMMAND)[1])
        host_started = time.time()
        assert abs(started - host_started) < 5, f"the guest says {started}, the host {host_started}"
        guest.type("sleep 5; date +now:%s:")
        passed = int(guest.expect(r"now:(\d+):", COMMAND)[1]) - started
        host_passed = time.time() - host_started
        assert abs(passed - host_passed) < 1.7, f"{passed} s passed in the guest, {host_passed:.1f} on the host"


@guest_test("interpreter")
def interpreter(bench):
    """The kernel boots to init on the interpreter backend."""
    with bench.linux("-accel", "tcg,backend=interpreter", append='vireo.run="true"') as guest:
        guest.expect(READY, 2 * BOOT)
        guest.ends(COMMAND)


@guest_test("lockstep")
def lockstep(bench):
    """The kernel boots to init with each block compared between interpreter and code generator."""
    with bench.linux("-accel", "tcg,backend=lockstep", append='vireo.run="md5sum /bin/busybox"') as guest:
        guest.expect(READY, 1800)
        guest.expect(r"(?m)^vireo: lock-step: \d{7,} runs of blocks compared without a difference", COMMAND)
        guest.ends(COMMAND)


@guest_test("boots-in-a-row")
def boots_in_a_row(bench):
    """Boots again and again (10 times, 200 in the full form), each time to a clean end."""
    for number in range(200 if bench.full else 10):
        with bench.linux(*NIC, append='vireo.run="true"') as guest:
            try:
                guest.expect(READY, BOOT)
                guest.expect("ended with status 0", COMMAND)
                guest.ends(COMMAND)
            except Exception as error:
                error.args = (f"boot {number + 1}: {error}",)
                raise


@guest_test("small-code-cache")
def small_code_cache(bench):
    """With a code cache that is too small the kernel boots all the same, and translations come and go."""
    with bench.linux("-accel", "tcg,tb-size=4") as guest:
        guest.expect(READY, BOOT)
        guest.type("\x01cinfo jit")
        guest.expect(r"evictions +[1-9]", COMMAND)
        guest.type("\x01cpoweroff")
        guest.ends(COMMAND)


@guest_test("memory")
def memory(bench):
    """A 1 GiB guest's process holds at most 150 MiB beyond what the guest touched."""
    with bench.linux(memory="1G") as guest:
        guest.expect(READY, BOOT)
        guest.holds_little()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@guest_test("hostfwd")
def hostfwd(bench):
    """A connection to a forwarded port of the host reaches the guest's web server."""
    port = free_port()
    with bench.linux("-nic", f"user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{port}-:80") as guest:
        guest.expect(READY, BOOT)
        guest.run("mkdir /tmp/www && echo from-the-guest >/tmp/www/page && httpd -p 80 -h /tmp/www", COMMAND)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/page", timeout=COMMAND * guest.patience) as answer:
            page = answer.read()
        assert page == b"from-the-guest\n", f"the guest's page is {page!r}"


@guest_test("tftp")
def tftp(bench):
    """The guest fetches a file from the folder that tftp= names."""
    content = bytes(i * i % 253 for i in range(100_000))
    (bench.folder / "boot-file").write_bytes(content)
    with bench.linux("-nic", f"user,model=virtio-net-pci,tftp={bench.folder}") as guest:
        guest.expect(READY, BOOT)
        guest.run("tftp -g -r boot-file -l /tmp/file 10.0.2.2", COMMAND)
        guest.type("md5sum /tmp/file")
        guest.expect(hashlib.md5(content).hexdigest(), COMMAND)


@guest_test("virtio-console")
def virtio_console(bench):
    """The kernel's hvc0 talks in both directions to a socket of the host, and a named port to a file."""
    path = bench.folder / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with bench.linux("-device", "virtio-serial-pci", "-chardev", f"socket,id=c,path={path}", "-device",
                         "virtconsole,chardev=c", "-chardev", f"file,id=f,path={bench.folder / 'log'}", "-device",
                         "virtserialport,chardev=f,name=org.vireo.log") as guest:
            line, _ = listener.accept()
            line.settimeout(COMMAND * guest.patience)
            guest.expect(READY, BOOT)
            guest.run("test $(cat /sys/class/virtio-ports/vport*p1/name) = org.vireo.log", COMMAND)
            guest.run("exec 3<>/dev/hvc0; stty raw -echo <&3 && echo to-the-host >&3", COMMAND)
            with line.makefile("rwb", buffering=0) as stream:
                said = stream.readline()
                assert said == b"to-the-host\n", f"the host hears {said!r}"
                guest.type("read -r word <&3; echo got:$word:")
                time.sleep(1)
                stream.write(b"to-the-guest\n")
                guest.expect("got:to-the-guest:", COMMAND)
            guest.run("seq 20000 | tee /dev/vport*p1 >/dev/null", COMMAND)
            guest.type("poweroff")
            guest.ends(COMMAND)
            line.close()
    wanted = "".join(f"{number}\n" for number in range(1, 20001))
    assert (bench.folder / "log").read_text() == wanted, "the port's file is not what the guest wrote"
