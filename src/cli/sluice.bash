# bash completion for sluice(1), and for `kubectl sluice` by kubectl_complete-sluice: commands,
# options, the words of options that take some, files, names of Rollouts and
# TrafficPolicies. The tests hold it against
# what --help prints.

_sluice_rollout="get list confirm pause resume promote abort retry undo history plan wait traffic"

_sluice_words() { # COMMAND OPTION: the words that the option before the cursor takes
    case "$1 $2" in
    *" --operation") echo "CREATE UPDATE DELETE" ;;
    "review -o" | "review --output") echo "text patch object review" ;;
    "rollout plan -o" | "rollout plan --output") echo "text json" ;;
    "rollout "*" -o" | "rollout "*" --output") echo "text wide json yaml name" ;;
    *" --for")
        echo "Healthy Progressing WaitingForConfirmation Paused RollingBack Degraded Failed"
        ;;
    esac
}

_sluice_options() { # COMMAND: its options
    case "$1" in
    review)
        echo "-p --policy -f --file -c --config --operation --old --namespace-labels --user" \
            "-o --output --check-idempotent -h --help"
        ;;
    webhook) echo "-c --config --check-config --print-config -h --help" ;;
    reconciler)
        echo "-c --config --check-config --print-config --leader-elect -n --namespace" \
            "--kubeconfig --context -h --help"
        ;;
    "certs issue") echo "--dns --out --days -h --help" ;;
    "certs check") echo "--dns -h --help" ;;
    "rollout plan") echo "-f --file --replicas -o --output -h --help" ;;
    "rollout "*)
        case "${1#rollout }" in
        get) echo "-w --watch -o --output" ;;
        list) echo "-A --all-namespaces -l --selector -o --output" ;;
        traffic) echo "-w --watch -A --all-namespaces -o --output" ;;
        confirm) echo "--batch" ;;
        undo) echo "--to-revision" ;;
        wait) echo "--for --timeout" ;;
        esac
        echo "-n --namespace --kubeconfig --context -h --help"
        ;;
    uninstall)
        echo "-c --config --dry-run --force -n --namespace --kubeconfig --context -h --help"
        ;;
    *) echo "-h --help" ;;
    esac
}

# The names of the Rollouts in the namespace that the line names, or those that COMMAND lists.
# Whatever goes wrong, or takes long, gives none, and nothing is said about it.
_sluice_names() { # COMMAND
    local i program=${COMP_WORDS[0]} where=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "${COMP_WORDS[i]}" in
        -n | --namespace | --kubeconfig | --context)
            where+=("${COMP_WORDS[i]}")
            [[ ${COMP_WORDS[i + 1]} == "=" ]] && ((i++))
            where+=("${COMP_WORDS[++i]}")
            ;;
        esac
    done
    [[ $program == *kubectl-sluice ]] || program="$program rollout"
    # shellcheck disable=SC2086 # two words
    timeout 2 $program "$1" -o name "${where[@]}" 2>/dev/null </dev/null | sed 's|.*/||'
}

_sluice() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} first=1 candidates
    local commands="review webhook reconciler certs uninstall version help"
    COMPREPLY=()

    if [[ ${COMP_WORDS[0]} == *kubectl-sluice ]]; then
        commands="$_sluice_rollout $commands"
        [[ " $_sluice_rollout " == *" $command "* ]] && command="rollout $command"
    else
        commands="rollout traffic $commands"
        if [[ $command == traffic ]]; then
            command="rollout traffic"
        elif [[ $command == rollout ]]; then
            first=2
            command="rollout ${COMP_WORDS[2]}"
        fi
    fi
    if [[ $COMP_CWORD -eq 1 ]]; then
        candidates="$commands -h --help --version"
    elif [[ $command == help && $COMP_CWORD -eq 2 ]]; then
        candidates="$commands -h --help"
    elif [[ ($command == certs && $COMP_CWORD -eq 2) ||
        ($command == help && $previous == certs) ]]; then
        candidates="issue check"
    elif [[ ($first -eq 2 && $COMP_CWORD -eq 2) ||
        ($command == help && $previous == rollout) ]]; then
        candidates=$_sluice_rollout
    else
        [[ $command == certs ]] && command="certs ${COMP_WORDS[2]}"
        # --output=pa comes as three words: --output = pa
        if [[ $current == "=" ]]; then
            current=""
        elif [[ $previous == "=" ]]; then
            previous=${COMP_WORDS[COMP_CWORD - 2]}
        fi
        candidates=$(_sluice_words "$command" "$previous")
        if [[ -z $candidates ]]; then
            case "$previous" in
            -p | --policy | -f | --file | -c | --config | --old | --kubeconfig)
                mapfile -t COMPREPLY < <(compgen -f -- "$current")
                return
                ;;
            --out)
                mapfile -t COMPREPLY < <(compgen -d -- "$current")
                return
                ;;
            --namespace-labels | --user | --dns | --days | -n | --namespace | --context | \
                -l | --selector | --batch | --to-revision | --timeout | --replicas) return ;;
            esac
            if [[ $command == "certs check" && $current != -* ]]; then
                mapfile -t COMPREPLY < <(compgen -d -- "$current")
                return
            fi
            if [[ $command == "rollout "* && $command != "rollout list" &&
                $command != "rollout plan" && $current != -* ]]; then
                case "$command" in
                "rollout traffic") candidates=$(_sluice_names traffic) ;;
                *) candidates=$(_sluice_names list) ;;
                esac
            else
                candidates=$(_sluice_options "$command")
            fi
        fi
    fi
    mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$current")
}

complete -o filenames -F _sluice sluice kubectl-sluice
