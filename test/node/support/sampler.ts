import { eventually, fileOnNode, onNode } from './cluster.ts';

const PROGRAM = `
my ($stop, $out, %wanted) = @ARGV;
my ($samples, @other) = (0);
until (-e $stop) {
  for my $file (keys %wanted) {
    open(my $in, '<', $file) or die "$file: $!";
    my $value = <$in>;
    close($in);
    chomp $value;
    $samples++;
    push @other, "$file $value" if $value ne $wanted{$file} && @other < 20;
  }
  select(undef, undef, undef, 0.003);
}
open(my $to, '>', "$out.part") or die $!;
print $to join("\\n", $samples, @other), "\\n";
close($to);
rename("$out.part", $out);
`;

/** What a sampler has seen: how often it looked, and every value that was not the wanted one. */
export interface Samples {
  count: number;
  other: string[];
}

/** Reads values on a node every three milliseconds until it is asked what it has seen. perl: a shell would start a program for each pause. */
export class Sampler {
  readonly #node: string;
  readonly #folder: string;

  private constructor(node: string, folder: string) {
    this.#node = node;
    this.#folder = folder;
  }

  /** `wanted`: sysctls of the node's own namespaces with the values that they must keep. */
  static async start(node: string, wanted: Record<string, string>): Promise<Sampler> {
    const folder = await onNode(node, 'mktemp', '-d', '/tmp/sampler-XXXXXX');
    const pairs = Object.entries(wanted).flatMap(([name, value]) => [
      `/proc/sys/${name.replaceAll('.', '/')}`,
      value,
    ]);
    const script = 'f=$1; shift; setsid perl -e "$0" "$f/stop" "$f/out" "$@" > "$f/log" 2>&1 < /dev/null &';
    await onNode(node, 'sh', '-c', script, PROGRAM, folder, ...pairs);
    return new Sampler(node, folder);
  }

  async end(): Promise<Samples> {
    await onNode(this.#node, 'touch', `${this.#folder}/stop`);
    const text = await eventually(
      () => fileOnNode(this.#node, `${this.#folder}/out`),
      (found) => found !== '',
      'what the sampler has seen',
      20_000,
    );
    await onNode(this.#node, 'rm', '-rf', this.#folder);
    const [count = '0', ...other] = text.split('\\n');
    return { count: Number(count), other };
  }
}
